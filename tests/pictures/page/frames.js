// From Prometheus' answers to Grafana's data frames, by way of transformations and field options.
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  displayNameOverrideProcessor,
  FieldConfigOptionsRegistry,
  FieldType,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  thresholdsOverrideProcessor,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';

const NUMBERS = { '+Inf': Infinity, '-Inf': -Infinity };
const numeric = (text) => NUMBERS[text] ?? Number(text);

// ---------------------------------------------------------------- frames

function seriesName({ __name__: name = '', ...labels }, { legend, expr }) {
  if (legend && legend !== '__auto') {
    return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '');
  }
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length > 0 ? `${name}{${pairs.join(', ')}}` : name || expr;
}

function seriesFrame({ labels, samples }, answer) {
  return toDataFrame({
    refId: answer.refId,
    fields: [
      {
        name: 'Time',
        type: FieldType.time,
        config: answer.step ? { interval: answer.step * 1000 } : {},
        values: samples.map(([time]) => time * 1000),
      },
      {
        name: 'Value',
        type: FieldType.number,
        labels,
        config: { displayNameFromDS: seriesName(labels, answer) },
        values: samples.map(([, value]) => numeric(value)),
      },
    ],
  });
}

// A column for each label, a row for each sample.
function tableFrame({ refId, list }, valueName) {
  const rows = list.flatMap(({ labels, samples }) => samples.map(([time, value]) => ({ labels, time, value })));
  const names = [...new Set(list.flatMap(({ labels }) => Object.keys(labels).sort()))];
  return toDataFrame({
    refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: rows.map(({ time }) => time * 1000) },
      ...names.map((name) => ({
        name,
        type: FieldType.string,
        config: { filterable: true },
        values: rows.map(({ labels }) => labels[name] ?? ''),
      })),
      { name: valueName, type: FieldType.number, config: {}, values: rows.map(({ value }) => numeric(value)) },
    ],
  });
}

function framesOf(answers) {
  const tables = answers.filter(({ format }) => format === 'table').length;
  return answers
    .filter(({ list }) => list.length > 0)
    .flatMap((answer) =>
      answer.format === 'table'
        ? [tableFrame(answer, tables > 1 ? `Value #${answer.refId}` : 'Value')]
        : answer.list.map((series) => seriesFrame(series, answer))
    );
}

// ---------------------------------------------------------------- transformations

standardTransformersRegistry.setInit(() =>
  Object.values(standardTransformers)
    .filter(({ id }, i, all) => all.findIndex((other) => other.id === id) === i)
    .map((transformer) => ({ id: transformer.id, name: transformer.name, transformation: () => transformer }))
);

function transformed(frames, transformations = []) {
  const unknown = transformations.find(({ id }) => !standardTransformersRegistry.getIfExists(id));
  if (unknown) {
    throw new Error(`transformation ${unknown.id} is not in @grafana/data`);
  }
  return new Promise((next, error) => {
    transformDataFrame(transformations, frames, { interpolate: (text) => text }).subscribe({ next, error });
  });
}

// ---------------------------------------------------------------- field options

const ofNumbers = { process: numberOverrideProcessor, shouldApply: ({ type }) => type === FieldType.number };
const STANDARD = {
  displayName: { process: displayNameOverrideProcessor, settings: { expandTemplateVars: true } },
  unit: {},
  min: ofNumbers,
  max: ofNumbers,
  decimals: ofNumbers,
  noValue: {},
  color: {},
  mappings: {},
  filterable: {},
  thresholds: { process: thresholdsOverrideProcessor },
};

function option(id, { process = identityOverrideProcessor, ...rest } = {}) {
  const usual = { path: id, isCustom: false, settings: {}, shouldApply: () => true, editor: () => null };
  return { ...usual, id, name: id, process, override: process, ...rest };
}

// Every option that the panel sets under `custom`.
function customOptions({ defaults, overrides }) {
  const ids = overrides.flatMap(({ properties }) => properties.map(({ id }) => id));
  const set = ids.filter((id) => id.startsWith('custom.')).map((id) => id.slice('custom.'.length));
  return [...new Set([...Object.keys(defaults.custom), ...set])].map((path) =>
    option(`custom.${path}`, { path, isCustom: true })
  );
}

// JSON knows no infinity: the first step has no value there.
function withInfinity(thresholds) {
  const steps = thresholds.steps.map((step) => ({ ...step, value: step.value ?? -Infinity }));
  return { ...thresholds, steps };
}

// What the kinds of panels take for granted.
const USUAL = {
  timeseries: { color: { mode: 'palette-classic' }, custom: { drawStyle: 'line', pointSize: 5, axisPlacement: 'auto' } },
  barchart: { color: { mode: 'palette-classic' }, custom: { fillOpacity: 80 } },
};
const THRESHOLDS = { mode: 'absolute', steps: [{ value: null, color: 'green' }, { value: 80, color: 'red' }] };

function configOf({ type, fieldConfig: { defaults = {}, overrides = [] } = {} }) {
  const usual = USUAL[type] ?? { color: { mode: 'thresholds' }, custom: {} };
  return {
    defaults: {
      ...defaults,
      color: defaults.color ?? usual.color,
      thresholds: withInfinity(defaults.thresholds ?? THRESHOLDS),
      custom: { ...usual.custom, ...defaults.custom },
    },
    overrides: overrides.map(({ matcher, properties }) => ({
      matcher,
      properties: properties
        .filter(({ id }) => id !== 'links') // a picture has nothing to click
        .map(({ id, value }) => ({ id, value: id === 'thresholds' ? withInfinity(value) : value })),
    })),
  };
}

// ---------------------------------------------------------------- all of it

// The panel's frames, ready to be drawn, and its complete field options.
export async function prepare(panel, theme) {
  const config = configOf(panel);
  const standard = Object.entries(STANDARD).map(([id, rest]) => option(id, rest));
  const frames = applyFieldOverrides({
    data: await transformed(framesOf(panel.answers), panel.transformations),
    fieldConfig: config,
    fieldConfigRegistry: new FieldConfigOptionsRegistry(() => [...standard, ...customOptions(config)]),
    replaceVariables: (text) => text,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(frames);
  return { frames, fieldConfig: config };
}

const isNothing = (value) => value == null || Number.isNaN(value);

// What came out: `{status, message}`, of status ok, no_data or error.
export function judge({ answers, fieldConfig }, frames) {
  const failed = answers.filter(({ error }) => error).map(({ refId, error }) => `${refId}: ${error}`);
  if (failed.length > 0) {
    return { status: 'error', message: failed.join('; ') };
  }
  const numbers = frames.flatMap(({ fields }) => fields.filter(({ type }) => type === FieldType.number));
  const empty = frames.every(({ length }) => length === 0);
  if (empty || (numbers.length > 0 && numbers.every(({ values }) => values.every(isNothing)))) {
    return { status: 'no_data', message: fieldConfig?.defaults?.noValue ?? '' };
  }
  return { status: 'ok', message: '' };
}
