// Sends predictions with the OpenTelemetry SDK for JavaScript, and ends with code 1 when an export fails.
//
//   node send.mjs json|protobuf|grpc http://127.0.0.1:4318 MODEL plain|odd ROWS
//
// `plain` rows carry `amount` (whole numbers and others in turn) and `country`; each is told by a log record and a
// SERVER span. `odd` rows carry in `amount` everything that JavaScript calls a number or nothing.
import { SpanKind, context, trace } from "@opentelemetry/api";
import { OTLPLogExporter as GrpcLogExporter } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [protocol, endpoint, model, kind, rows] = process.argv.slice(2);
const FLUSH_EVERY = 1000; // the SDK drops what its queue of 2048 has no room for

const exporters = {
  json: () => new JsonLogExporter({ url: `${endpoint}/v1/logs`, compression: "gzip" }),
  protobuf: () => new ProtobufLogExporter({ url: `${endpoint}/v1/logs` }),
  grpc: () => new GrpcLogExporter({ url: endpoint }),
};

let failures = 0;

// The SDK only logs a failed export; the tests must know.
function watched(exporter) {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      if (result.code !== 0) {
        failures += 1;
        console.error(result.error);
      }
      done(result);
    });
  return exporter;
}

const resource = resourceFromAttributes({ "service.name": model });
const logs = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: watched(exporters[protocol]()) })],
});
const spanProcessors =
  protocol === "json" && kind === "plain"
    ? [new BatchSpanProcessor(watched(new OTLPTraceExporter({ url: `${endpoint}/v1/traces` })))]
    : [];
const traces = new BasicTracerProvider({ resource, spanProcessors });
const logger = logs.getLogger("send");
const tracer = traces.getTracer("send");

const ODD = [Number.NaN, Infinity, -Infinity, 1e300, null, undefined, 3.0, 2.5, -0, Number.MAX_SAFE_INTEGER];

function features(row) {
  if (kind === "odd") return { amount: ODD[row % ODD.length], steady: row + 0.5 };
  return { amount: row % 2 ? row : row + 0.5, country: ["DE", "FR", "IT"][row % 3] };
}

for (let row = 0; row < Number(rows); row += 1) {
  const span = tracer.startSpan("POST /predict", {
    kind: SpanKind.SERVER,
    attributes: { "http.request.method": "POST", "http.response.status_code": 200 },
  });
  logger.emit({
    eventName: "model.prediction",
    context: trace.setSpan(context.active(), span),
    attributes: {
      "model.name": model,
      "model.version": "1",
      "prediction.id": `${model}-${row}`,
      features: features(row),
      score: (row % 10) / 10,
    },
  });
  span.end();
  if (row % FLUSH_EVERY === FLUSH_EVERY - 1) await Promise.all([logs.forceFlush(), traces.forceFlush()]);
}
await Promise.all([logs.forceFlush(), traces.forceFlush()]);
await Promise.all([logs.shutdown(), traces.shutdown()]);
process.exitCode = failures ? 1 : 0;
