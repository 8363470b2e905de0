import assert from 'node:assert/strict';
import test from 'node:test';
import { constant, fillQuery, fillText } from './interpolate.mjs';
import { layout } from './layout.mjs';
import { intervals, stretches } from './queries.mjs';

const several = { multi: true, options: ['1.4.2', 'a+b'], value: ['$__all'] };

test('values are escaped for a regular expression inside a string', () => {
  const variables = new Map([['version', several]]);
  assert.equal(fillQuery('{v=~"$version"}', variables), '{v=~"(1\\\\.4\\\\.2|a\\\\+b)"}');
  assert.equal(fillQuery('${version}', new Map([['version', { ...several, value: ['1.4.2'] }]])), '1\\\\.4\\\\.2');
});

test('all stands for its own value, and for itself to the eye', () => {
  const variables = new Map([['version', { ...several, allValue: '.+' }]]);
  assert.equal(fillQuery('$version', variables), '.+');
  assert.equal(fillText('of $version', variables), 'of All');
});

test('what nobody defines stays, and so do groups of label_replace', () => {
  assert.equal(fillQuery('$missing $1 $known', new Map([['known', constant(7)]])), '$missing $1 7');
});

test('a step is round and no shorter than a scrape; rates reach over four scrapes', () => {
  assert.deepEqual(intervals({ start: 0, end: 21_600 }, 436, 15), { step: 60, rate: 75 });
  assert.deepEqual(intervals({ start: 0, end: 600 }, 436, 15), { step: 15, rate: 60 });
  assert.deepEqual(intervals({ start: 0, end: 600 }, 436, 15, '2m'), { step: 120, rate: 135 });
});

test('moments no further apart than a step are one stretch', () => {
  assert.deepEqual(stretches([60, 0, 120, 300], 60), [
    [0, 120],
    [300, 300],
  ]);
});

const panel = (type, y, h, rest) => ({ type, gridPos: { x: 0, y, w: 24, h }, ...rest });

test('an opened row moves what is below it down', () => {
  const panels = [panel('row', 0, 1, { collapsed: true, panels: [panel('stat', 1, 4)] }), panel('row', 1, 1)];
  const tops = (open) => layout(panels, new Map(), 1334, open).items.map(({ box }) => box.top);
  assert.deepEqual(tops(false), [0, 38]);
  assert.deepEqual(tops(true), [0, 38, 190]);
});

test('a repeated panel stands beside itself, once for each value', () => {
  const repeated = [panel('stat', 0, 4, { repeat: 'version', maxPerRow: 2 }), panel('stat', 4, 4)];
  const { items } = layout(repeated, new Map([['version', several]]), 1334, false);
  assert.deepEqual(
    items.map(({ box }) => [box.left, box.top, box.width]),
    [
      [0, 0, 663],
      [671, 0, 663],
      [0, 152, 1334],
    ]
  );
});
