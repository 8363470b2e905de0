// Look-alikes of the panels that @grafana/ui has no component for: bar chart, state timeline and heatmap. Trust
// their data, words and colours, not their pixels.
import * as schemes from 'd3-scale-chromatic';
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

// ---------------------------------------------------------------- lanes over time

const AXIS = 20;
const TICK_MINUTES = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080];

function timeTicks(from, to, width) {
  const wanted = (to - from) / Math.max(1, width / 90);
  const step = 60_000 * (TICK_MINUTES.find((minutes) => minutes * 60_000 >= wanted) ?? TICK_MINUTES.at(-1));
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, i) => first + i * step);
}

const middle = (height) => ({ lineHeight: `${height}px`, height, overflow: 'hidden', textOverflow: 'ellipsis' });

// A named lane for each series; `children(x, lane, i)` draws into lane `i`, which is `lane` pixels high.
function Lanes({ names, width, height, theme, timeRange, children }) {
  const [from, to] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const left = Math.min(width / 3, Math.max(...names.map(wide)) + 16); // letters stand further apart than measured
  const plot = width - left - 4;
  const lane = (height - AXIS) / names.length;
  const every = Math.ceil(FONT / lane);
  const x = (moment) => left + ((Math.min(Math.max(moment, from), to) - from) / (to - from)) * plot;
  const line = { position: 'absolute', width: 1, height: height - AXIS, background: theme.colors.border.weak };
  return (
    <div style={{ position: 'relative', width, height }}>
      {timeTicks(from, to, plot).map((tick) => (
        <div key={tick}>
          <div style={{ ...line, left: x(tick) }} />
          <div style={{ ...small, left: x(tick), bottom: 0, transform: 'translateX(-50%)' }}>
            {dateTimeFormat(tick, { timeZone: 'utc', format: to - from > 172_800_000 ? 'MM/DD' : 'HH:mm' })}
          </div>
        </div>
      ))}
      {names.map((name, i) => (
        <div key={i} style={{ position: 'absolute', top: lane * i, height: lane }}>
          {i % every === 0 && (
            <div style={{ ...small, ...middle(Math.max(lane, FONT)), width: left - 8, textAlign: 'right' }}>{name}</div>
          )}
          {children(x, lane, i)}
        </div>
      ))}
    </div>
  );
}

// Every field that is not time, with the times that belong to it.
function lanesOf(frames) {
  return frames.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === FieldType.time);
    const values = frame.fields.filter((field) => field !== time && !field.config.custom?.hideFrom?.viz);
    return values.map((field) => ({ name: getFieldDisplayName(field, frame, frames), time, field }));
  });
}

// ---------------------------------------------------------------- state timeline

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

export function StateTimeline({ options, frames, timeRange, theme, ...size }) {
  const lanes = lanesOf(frames);
  const states = lanes.map(({ time, field }) => statesOf(time, field, timeRange.to.valueOf()));
  const opacity = (i) => (lanes[i].field.config.custom?.fillOpacity ?? 70) / 100;
  const draw = (x, lane, i) =>
    states[i].map(({ from, to, text, color }) => {
      const thick = lane * (options.rowHeight ?? 0.9);
      const place = { left: x(from), width: Math.max(1, x(to) - x(from)), top: (lane - thick) / 2, height: thick };
      const shown = options.showValue !== 'never' && wide(text) < place.width - 6;
      const style = { ...small, ...middle(thick), paddingLeft: 4, color: theme.colors.getContrastText(color) };
      return (
        <div key={from}>
          <div style={{ position: 'absolute', ...place, background: color, opacity: opacity(i) }} />
          {shown && <div style={{ ...style, ...place }}>{text}</div>}
        </div>
      );
    });
  return (
    <Lanes names={lanes.map(({ name }) => name)} {...{ timeRange, theme }} {...size}>
      {draw}
    </Lanes>
  );
}

// ---------------------------------------------------------------- heatmap

const SCALE = 26; // pixels below the lanes for the scale of colours

// A colour for a share between 0 and 1. Grafana turns schemes around on dark pages.
function ramp({ scheme, steps = 64, reverse = false }, theme) {
  const interpolate = schemes[`interpolate${scheme}`];
  if (!interpolate) {
    throw new Error(`no scheme of colours called ${scheme}`);
  }
  return (share) => {
    const step = Math.round(share * (steps - 1)) / (steps - 1);
    return interpolate(theme.isDark !== reverse ? 1 - step : step);
  };
}

// Lanes of one value each, the first at the bottom; what is not above `filterValues` stays empty.
export function Heatmap({ options, frames, timeRange, theme, width, height }) {
  const lanes = lanesOf(frames).reverse();
  const least = options.filterValues?.le ?? 1e-9;
  const every = lanes[0].time.config.interval;
  const values = lanes.flatMap(({ field }) => field.values.filter((value) => value > least));
  const low = options.color.min ?? Math.min(...values);
  const high = options.color.max ?? Math.max(...values);
  const color = ramp(options.color, theme);
  const told = (value) => written(lanes[0].field, value);
  const draw = (x, lane, i) =>
    lanes[i].field.values.map((value, row) => {
      const from = lanes[i].time.values[row];
      const span = Math.ceil(x(from + every) - x(from)); // cells overlap rather than leave gaps
      const place = { left: x(from), width: Math.max(1, span), height: Math.max(1, lane - 1) };
      const background = color(Math.min(1, Math.max(0, (value - low) / (high - low || 1))));
      return value > least && <div key={row} style={{ position: 'absolute', ...place, background }} />;
    });
  const gradient = Array.from({ length: 9 }, (_, i) => color(i / 8)).join(', ');
  return (
    <>
      <Lanes names={lanes.map(({ name }) => name)} height={height - SCALE} {...{ timeRange, theme, width }}>
        {draw}
      </Lanes>
      <div style={{ width: 240, fontSize: FONT, lineHeight: '14px' }}>
        <div style={{ height: 8, background: `linear-gradient(to right, ${gradient})` }} />
        <div style={{ display: 'flex', justifyContent: 'space-between' }}>
          <span>{told(low)}</span>
          <span>{told(high)}</span>
        </div>
      </div>
    </>
  );
}
