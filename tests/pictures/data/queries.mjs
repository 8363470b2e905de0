// What the panels and annotations of a dashboard ask, and the answers.
import { constant, fillQuery, fillText } from './interpolate.mjs';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 20, 30],
  ...[1, 2, 5, 10, 15, 20, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  DAY,
];
const UNITS = { s: 1, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

// Seconds of a span such as `90s` or `6h`.
export function seconds(span) {
  const [, number, unit] = span.match(/^(\d+)([smhdw])$/) ?? [];
  if (!unit) {
    throw new Error(`not a span of time: ${span}`);
  }
  return Number(number) * UNITS[unit];
}

// The round step nearest to `wanted` seconds.
function roundStep(wanted) {
  return STEPS.find((step, i) => wanted < (step + (STEPS[i + 1] ?? Infinity)) / 2);
}

// Step of a range query over `range` in a panel of so many pixels, and its $__rate_interval; seconds.
export function intervals({ start, end }, width, scrape, panelInterval) {
  const least = panelInterval ? seconds(panelInterval.replace(/^>/, '')) : scrape;
  const step = Math.max(least, roundStep((end - start) / width));
  return { step, rate: Math.max(step + scrape, 4 * scrape) };
}

const aligned = ({ start, end }, step) => ({
  start: Math.floor(start / step) * step,
  end: Math.floor(end / step) * step,
  step,
});

export function rangeVariables({ start, end }) {
  return { __range: `${Math.round(end - start)}s`, __range_s: Math.round(end - start) };
}

function withIntervals(variables, { step, rate }) {
  const own = { __interval: `${step}s`, __rate_interval: `${rate}s` };
  return new Map([...variables, ...Object.entries(own).map(([name, value]) => [name, constant(value)])]);
}

// One answer: `{refId, expr, legend, format, step, list, took, error}`; `step` is missing of an instant query.
async function runTarget(target, panel, width, { variables, prometheus, range, scrape }) {
  const chosen = intervals(range, width, scrape, panel.interval);
  const filled = withIntervals(variables, chosen);
  const { refId, format = 'time_series', instant } = target;
  const answer = { refId, format, expr: fillQuery(target.expr, filled), legend: target.legendFormat, list: [] };
  const began = performance.now();
  try {
    if (instant) {
      answer.list = await prometheus.now(answer.expr, range.end);
    } else {
      answer.step = chosen.step;
      answer.list = await prometheus.over(answer.expr, aligned(range, chosen.step));
    }
  } catch (error) {
    answer.error = error.message;
  }
  return { ...answer, took: (performance.now() - began) / 1000 };
}

// The panel with texts filled in, and its answers.
export async function runPanel({ panel, scope, box }, context) {
  const variables = new Map([...context.variables, ...Object.entries(scope ?? {})]);
  const text = (given) => fillText(given ?? '', variables);
  const own = { ...context, variables };
  const targets = (panel.targets ?? []).filter((target) => !target.hide);
  const answers = await Promise.all(targets.map((target) => runTarget(target, panel, box.width, own)));
  const options = panel.type === 'text' ? { ...panel.options, content: text(panel.options.content) } : panel.options;
  return { ...panel, options, title: text(panel.title), description: text(panel.description), box, answers };
}

// Neighbouring times become one stretch: [[from, to], ...].
export function stretches(times, step) {
  const found = [];
  for (const time of [...new Set(times)].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && time - last[1] <= step) {
      last[1] = time;
    } else {
      found.push([time, time]);
    }
  }
  return found;
}

// What an annotation marks: stretches of time in milliseconds within the range.
export async function runAnnotation({ name, expr, step, iconColor, useValueForTime }, context) {
  const { range, variables, prometheus } = context;
  const every = Math.max(seconds(step ?? '60s'), Math.ceil((range.end - range.start) / 11_000));
  const query = fillQuery(expr, withIntervals(variables, { step: every, rate: 4 * every }));
  const answer = { name, color: iconColor, expr: query, marks: [] };
  try {
    const list = await prometheus.over(query, aligned(range, every));
    const found = list.flatMap(({ samples }) => {
      const present = samples.filter(([, value]) => Number(value) !== 0);
      const times = present.map(([time, value]) => (useValueForTime ? Number(value) : time * 1000));
      return stretches(times, every * 1000);
    });
    answer.marks = found.filter(([from, to]) => to >= range.start * 1000 && from <= range.end * 1000);
  } catch (error) {
    answer.error = error.message;
  }
  return answer;
}
