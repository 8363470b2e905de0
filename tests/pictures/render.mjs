#!/usr/bin/env node
// Draws a dashboard to a picture and reports how each panel came out. See README.md.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { shown } from './data/interpolate.mjs';
import { layout } from './data/layout.mjs';
import { Prometheus } from './data/prometheus.mjs';
import { rangeVariables, runAnnotation, runPanel, seconds } from './data/queries.mjs';
import { resolveVariables } from './data/variables.mjs';

const USAGE = `usage: node render.mjs --dashboard FILE --prometheus URL [--out FILE.png]
  without --out          ask and report only, which needs no packages
  --var NAME=VALUE       choose a value, several by repeating it, All for all
  --from 6h              time before now (default: the dashboard's own)
  --scrape-interval 15s  the data source's "Scrape interval", which $__rate_interval rests on
  --width 1366           pixels
  --theme dark           or light
  --open                 open the rows that are collapsed`;

const OPTIONS = {
  dashboard: { type: 'string' },
  prometheus: { type: 'string' },
  out: { type: 'string' },
  var: { type: 'string', multiple: true, default: [] },
  from: { type: 'string' },
  'scrape-interval': { type: 'string', default: '15s' },
  width: { type: 'string', default: '1366' },
  theme: { type: 'string', default: 'dark' },
  open: { type: 'boolean', default: false },
};
const PADDING = 16; // of the page

function readArguments() {
  const { values } = parseArgs({ options: OPTIONS });
  if (!values.dashboard || !values.prometheus) {
    throw new Error(USAGE);
  }
  const wanted = {};
  for (const given of values.var) {
    const [name, value] = given.split(/=(.*)/s);
    (wanted[name] ??= []).push(value);
  }
  return { ...values, wanted, width: Number(values.width) };
}

// Everything that is to be drawn, with its answers.
async function gather(dashboard, { prometheus: address, wanted, from, width, open, theme, ...options }) {
  const end = Math.floor(Date.now() / 1000);
  const span = from ?? dashboard.time.from.replace(/^now-/, '');
  const range = { start: end - seconds(span), end };
  const prometheus = new Prometheus(address);
  const builtin = rangeVariables(range);
  const variables = await resolveVariables(dashboard.templating.list, { prometheus, range, wanted, builtin });
  const context = { variables, prometheus, range, scrape: seconds(options['scrape-interval']) };

  const { items, height } = layout(dashboard.panels, variables, width - 2 * PADDING, open);
  const rows = items.filter(({ panel }) => panel.type === 'row');
  const panels = items.filter(({ panel }) => panel.type !== 'row');
  return {
    title: dashboard.title,
    range,
    height,
    mode: theme,
    variables: [...variables.values()]
      .filter(({ name, hide }) => name && hide !== 2)
      .map((variable) => ({ name: variable.name, label: variable.label, text: shown(variable) })),
    rows: rows.map(({ panel, box }) => ({ title: panel.title, box, opened: open || !panel.collapsed })),
    annotations: await Promise.all(dashboard.annotations.list.map((one) => runAnnotation(one, context))),
    panels: await Promise.all(panels.map((item) => runPanel(item, context))),
  };
}

function report(job, { panels, problems, height }) {
  const query = ({ refId, expr, list, took, error }) => ({
    refId,
    expr,
    series: list.length,
    samples: list.reduce((sum, { samples }) => sum + samples.length, 0),
    seconds: Number(took.toFixed(4)),
    error,
  });
  const told = job.panels.map(({ id, title, type, answers }, i) => ({
    id,
    title,
    type,
    ...panels[i],
    queries: answers.map(query),
  }));
  const count = (status) => told.filter((panel) => panel.status === status).length;
  return {
    dashboard: job.title,
    height,
    variables: Object.fromEntries(job.variables.map(({ name, text }) => [name, text])),
    annotations: job.annotations.map(({ name, expr, marks, error }) => ({ name, expr, marks: marks.length, error })),
    totals: { panels: told.length, ok: count('ok'), no_data: count('no_data'), error: count('error') },
    panels: told,
    problems,
  };
}

// What the answers alone tell of the panels.
function unseen({ panels }) {
  const judge = ({ answers, fieldConfig }) => {
    const failed = answers.find(({ error }) => error);
    if (failed) {
      return { status: 'error', message: failed.error };
    }
    const found = answers.length === 0 || answers.some(({ list }) => list.length > 0);
    return found ? { status: 'ok', message: '' } : { status: 'no_data', message: fieldConfig.defaults.noValue };
  };
  return { panels: panels.map(judge), problems: [] };
}

async function draw(job, options) {
  const { photograph } = await import('./browser.mjs');
  return photograph(job, options);
}

async function main() {
  const options = readArguments();
  const dashboard = JSON.parse(await readFile(options.dashboard, 'utf8'));
  const job = await gather(dashboard, options);
  const done = report(job, options.out ? await draw(job, options) : unseen(job));
  process.stdout.write(`${JSON.stringify(done, null, 2)}\n`);
  return done.totals.error > 0 ? 1 : 0;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
);
