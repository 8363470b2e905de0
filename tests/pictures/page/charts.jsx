// Look-alikes of the panels that @grafana/ui has no component for: bar chart and state timeline. Trust their
// data, words and colours, not their pixels.
import { dateTimeFormat, FieldType, formattedValueToString, getFieldDisplayName, getFieldSeriesColor } from '@grafana/data';
import { measureText, VizLayout, VizLegend } from '@grafana/ui';

const FONT = 12;
const wide = (text) => measureText(text, FONT).width;
const written = (field, value) => formattedValueToString(field.display(value));
const small = { position: 'absolute', fontSize: FONT, lineHeight: `${FONT + 4}px`, whiteSpace: 'nowrap' };

function WithLegend({ shown, items, width, height, children }) {
  const legend = (
    <VizLayout.Legend placement="bottom">
      <VizLegend placement="bottom" displayMode="list" items={items.map((item) => ({ ...item, yAxis: 1 }))} />
    </VizLayout.Legend>
  );
  return (
    <VizLayout width={width} height={height} legend={shown ? legend : null}>
      {(innerWidth, innerHeight) => (
        <div style={{ position: 'relative', width: innerWidth, height: innerHeight }}>
          {children(innerWidth, innerHeight)}
        </div>
      )}
    </VizLayout>
  );
}

// ---------------------------------------------------------------- bar chart

// Round numbers from 0 to at least `most`.
function ticksTo(most) {
  const rough = (most || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => i * step);
}

const TILTED = 76; // pixels below the bars for their names, which are written aslant

export function BarChart({ options, frames, width, height, theme }) {
  const [frame] = frames;
  const name = (field) => getFieldDisplayName(field, frame, frames);
  const category = frame.fields.find((field) => name(field) === options.xField);
  if (!category) {
    throw new Error(`no field ${options.xField} for the bars`);
  }
  const series = frame.fields.filter(
    (field) => field.type === FieldType.number && field !== category && !field.config.custom?.hideFrom?.viz
  );
  const colors = series.map((field) => getFieldSeriesColor(field, theme).color);
  const ticks = ticksTo(Math.max(0, ...series.flatMap(({ values }) => values.filter(Number.isFinite))));
  const left = Math.max(...ticks.map((tick) => wide(written(series[0], tick)))) + 10;
  const items = series.map((field, i) => ({ label: name(field), color: colors[i] }));

  const draw = (innerWidth, innerHeight) => {
    const [plotWidth, plotHeight] = [innerWidth - left - 8, innerHeight - TILTED - 8];
    const up = (value) => (value / (ticks.at(-1) || 1)) * plotHeight;
    const slot = plotWidth / category.values.length;
    const bar = (slot * (options.groupWidth ?? 0.7)) / series.length;
    const every = Math.ceil((FONT + 4) / slot);
    return (
      <>
        {ticks.map((tick) => {
          const top = 8 + plotHeight - up(tick);
          return (
            <div key={tick}>
              <div style={{ ...small, top: top - 8, width: left - 6, textAlign: 'right' }}>{written(series[0], tick)}</div>
              <hr style={{ position: 'absolute', margin: 0, left, top, width: plotWidth, borderColor: theme.colors.border.weak }} />
            </div>
          );
        })}
        {category.values.map((value, row) => (
          <div key={row}>
            {series.map(({ values, config }, i) => (
              <div
                key={i}
                style={{
                  position: 'absolute',
                  left: left + slot * row + (slot - bar * series.length) / 2 + bar * i,
                  bottom: TILTED,
                  width: bar * (options.barWidth ?? 0.97),
                  height: up(values[row] ?? 0),
                  background: colors[i],
                  opacity: config.custom?.fillOpacity / 100,
                }}
              />
            ))}
            {row % every === 0 && (
              <div
                style={{
                  ...small,
                  right: innerWidth - left - slot * (row + 0.5) - 4,
                  top: 8 + plotHeight + 4,
                  maxWidth: TILTED * 1.4,
                  overflow: 'hidden',
                  textOverflow: 'ellipsis',
                  transform: 'rotate(-45deg)',
                  transformOrigin: 'top right',
                }}
              >
                {written(category, value)}
              </div>
            )}
          </div>
        ))}
      </>
    );
  };
  return (
    <WithLegend shown={options.legend?.showLegend} {...{ items, width, height }}>
      {draw}
    </WithLegend>
  );
}

// ---------------------------------------------------------------- state timeline

const AXIS = 20;
const TICK_MINUTES = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080];

function timeTicks(from, to, width) {
  const wanted = (to - from) / Math.max(1, width / 90);
  const step = 60_000 * (TICK_MINUTES.find((minutes) => minutes * 60_000 >= wanted) ?? TICK_MINUTES.at(-1));
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, i) => first + i * step);
}

// Stretches of one state: `{from, to, text, color}`; a gap in the samples ends one.
function statesOf(time, field, end) {
  const every = time.config.interval;
  const found = [];
  field.values.forEach((value, i) => {
    if (value == null || Number.isNaN(value)) {
      return;
    }
    const from = time.values[i];
    const next = time.values[i + 1] ?? end;
    const to = every && next - from > 1.5 * every ? from + every : next;
    const text = written(field, value);
    const last = found.at(-1);
    if (last?.text === text && last.to === from) {
      last.to = to;
    } else {
      found.push({ from, to, text, color: field.display(value).color });
    }
  });
  return found;
}

export function StateTimeline({ options, frames, width, height, theme, timeRange }) {
  const [from, to] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const lanes = frames.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === FieldType.time);
    const values = frame.fields.filter((field) => field !== time && !field.config.custom?.hideFrom?.viz);
    return values.map((field) => ({
      name: getFieldDisplayName(field, frame, frames),
      opacity: (field.config.custom?.fillOpacity ?? 70) / 100,
      states: statesOf(time, field, to),
    }));
  });
  const left = Math.min(width / 3, Math.max(...lanes.map(({ name }) => wide(name))) + 10);
  const plot = width - left - 4;
  const lane = (height - AXIS) / lanes.length;
  const thick = lane * (options.rowHeight ?? 0.9);
  const x = (moment) => left + ((Math.min(Math.max(moment, from), to) - from) / (to - from)) * plot;
  const centered = { lineHeight: `${thick}px`, height: thick, overflow: 'hidden', textOverflow: 'ellipsis' };
  return (
    <div style={{ position: 'relative', width, height }}>
      {timeTicks(from, to, plot).map((tick) => (
        <div key={tick}>
          <div style={{ position: 'absolute', left: x(tick), width: 1, height: height - AXIS, background: theme.colors.border.weak }} />
          <div style={{ ...small, left: x(tick), bottom: 0, transform: 'translateX(-50%)' }}>
            {dateTimeFormat(tick, { timeZone: 'utc', format: to - from > 172_800_000 ? 'MM/DD' : 'HH:mm' })}
          </div>
        </div>
      ))}
      {lanes.map(({ name, opacity, states }, i) => {
        const top = lane * i + (lane - thick) / 2;
        return (
          <div key={i}>
            <div style={{ ...small, ...centered, top, width: left - 8, textAlign: 'right' }}>{name}</div>
            {states.map(({ from: began, to: ended, text, color }) => {
              const place = { left: x(began), width: Math.max(1, x(ended) - x(began)) };
              const shown = options.showValue !== 'never' && wide(text) < place.width - 6;
              return (
                <div key={began}>
                  <div style={{ position: 'absolute', ...place, top, height: thick, background: color, opacity }} />
                  {shown && (
                    <div style={{ ...small, ...centered, ...place, top, paddingLeft: 4, color: theme.colors.getContrastText(color) }}>
                      {text}
                    </div>
                  )}
                </div>
              );
            })}
          </div>
        );
      })}
    </div>
  );
}
