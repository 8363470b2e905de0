// Panels that Grafana's own components draw.
import {
  applyNullInsertThreshold,
  FieldType,
  getDisplayValueAlignmentFactors,
  getFieldDisplayName,
  getFieldDisplayValues,
  renderTextPanelMarkdown,
} from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { BarChart, Heatmap, StateTimeline } from './charts.jsx';

const MARK_PIXELS = 4;

// Marks of annotations: a band from the first to the last moment, dashed at both.
function marking(annotations) {
  const draw = ({ ctx, bbox, valToPos }) => {
    const at = (moment) => Math.round(valToPos(moment, 'x', true));
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height + MARK_PIXELS);
    ctx.clip();
    ctx.setLineDash([4, 4]);
    for (const { color, marks } of annotations) {
      Object.assign(ctx, { strokeStyle: color, fillStyle: color });
      for (const [from, to] of marks) {
        ctx.globalAlpha = 0.12;
        ctx.fillRect(at(from), bbox.top, at(to) - at(from), bbox.height);
        ctx.globalAlpha = 1;
        ctx.fillRect(at(from) - 2, bbox.top + bbox.height, at(to) - at(from) + 4, MARK_PIXELS);
        for (const moment of new Set([from, to])) {
          ctx.beginPath();
          ctx.moveTo(at(moment), bbox.top);
          ctx.lineTo(at(moment), bbox.top + bbox.height);
          ctx.stroke();
        }
      }
    }
    ctx.restore();
  };
  return { fieldMap: {}, indicesOnly: [], init: (builder) => builder.addHook('draw', draw) };
}

// Frames of a time and numbers, with nothing where a value cannot be drawn or a sample is missing. The component
// forgets what series are called when it joins them, and then colours by the names of fields.
function drawable(frames, timeRange) {
  const kept = frames.map((frame) => ({
    ...frame,
    fields: frame.fields
      .filter(({ type }) => type === FieldType.time || type === FieldType.number)
      .map((field) => ({
        ...field,
        name: field.type === FieldType.number ? getFieldDisplayName(field, frame, frames) : field.name,
        values: field.values.map((value) => (Number.isFinite(value) ? value : null)),
      })),
  }));
  const [refFieldPseudoMin, refFieldPseudoMax] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  return kept.map((frame) => applyNullInsertThreshold({ frame, refFieldPseudoMin, refFieldPseudoMax }));
}

function Lines({ options, frames, width, height, timeRange, annotations }) {
  return (
    <TimeSeries
      frames={drawable(frames, timeRange)}
      structureRev={1}
      timeZone="utc"
      legend={{ showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [], ...options.legend }}
      renderers={[marking(annotations)]}
      {...{ width, height, timeRange, options }}
    />
  );
}

// One drawing for each value.
function Each({ options, frames, fieldConfig, theme, width, height, renderValue, ...rest }) {
  const values = getFieldDisplayValues({
    data: frames,
    reduceOptions: options.reduceOptions,
    replaceVariables: (text) => text,
    timeZone: 'utc',
    fieldConfig,
    theme,
  });
  return (
    <VizRepeater
      getValues={() => values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={values}
      renderCounter={0}
      orientation={options.orientation ?? 'auto'}
      {...{ width, height, renderValue }}
      {...rest}
    />
  );
}

function Stat(props) {
  const { colorMode, graphMode, justifyMode, textMode, text, wideLayout } = props.options;
  const shared = { colorMode, graphMode, justifyMode, textMode, text, disableWideLayout: !wideLayout };
  const draw = ({ value, width, height, alignmentFactors, count }) => (
    <BigValue value={value.display} theme={props.theme} {...shared} {...{ width, height, alignmentFactors, count }} />
  );
  return <Each {...props} renderValue={draw} itemSpacing={3} autoGrid />;
}

function Bars(props) {
  const { displayMode, showUnfilled, valueMode, namePlacement, text } = props.options;
  const shared = { displayMode, showUnfilled, namePlacement, text, valueDisplayMode: valueMode };
  const draw = ({ value, width, height, alignmentFactors, orientation }) => (
    <BarGauge
      value={value.display}
      field={value.field}
      display={value.view?.getFieldDisplayProcessor(value.colIndex)}
      theme={props.theme}
      itemSpacing={10}
      lcdCellWidth={12}
      {...shared}
      {...{ width, height, alignmentFactors, orientation }}
    />
  );
  return <Each {...props} renderValue={draw} itemSpacing={10} minVizWidth={8} minVizHeight={16} maxVizHeight={300} />;
}

function Table({ options, frames, fieldConfig, width, height, timeRange }) {
  return (
    <TableNG
      data={frames[0]}
      noHeader={!options.showHeader}
      cellHeight={options.cellHeight}
      sortBy={options.sortBy}
      structureRev={1}
      enableVirtualization={false}
      {...{ width, height, fieldConfig, timeRange }}
    />
  );
}

function Text({ options }) {
  const html = { __html: renderTextPanelMarkdown(options.content) };
  return <div className="markdown-html" dangerouslySetInnerHTML={html} />;
}

export const PANELS = {
  barchart: BarChart,
  bargauge: Bars,
  heatmap: Heatmap,
  stat: Stat,
  'state-timeline': StateTimeline,
  table: Table,
  text: Text,
  timeseries: Lines,
};
