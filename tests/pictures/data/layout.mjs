// Places of panels: a grid of 24 columns and rows of 30 pixels with gaps of 8 between them.
import { constant } from './interpolate.mjs';

const COLUMNS = 24;
const CELL = 30;
const GAP = 8;

function box({ x, y, w, h }, width) {
  const column = (width + GAP) / COLUMNS;
  return {
    left: Math.round(x * column),
    top: y * (CELL + GAP),
    width: Math.round(w * column) - GAP,
    height: h * (CELL + GAP) - GAP,
  };
}

// Copies of a panel that repeats across, one for each value of its variable.
function copies(panel, variables) {
  const variable = variables.get(panel.repeat);
  if (!variable) {
    return [{ panel, place: panel.gridPos }];
  }
  const chosen = [variable.value].flat();
  const values = chosen.includes('$__all') ? variable.options : chosen;
  const across = Math.min(panel.maxPerRow ?? 4, values.length) || 1;
  const [w, { y, h }] = [Math.floor(COLUMNS / across), panel.gridPos];
  return values.map((value, i) => ({
    panel,
    scope: { [panel.repeat]: { ...variable, ...constant(value), multi: variable.multi } },
    place: { x: (i % across) * w, y: y + Math.floor(i / across) * h, w, h },
  }));
}

const bottom = (placed) => Math.max(0, ...placed.map(({ place }) => place.y + place.h));

// Everything on the page from top to bottom: `{panel, scope, box}`, and the height of all. With `open`,
// the panels of collapsed rows are there too.
export function layout(panels, variables, width, open) {
  const items = [];
  let moved = 0; // how far what follows has to go down
  for (const panel of panels) {
    const inside = panel.type === 'row' && panel.collapsed && open ? panel.panels : [];
    const usual = panel.gridPos.y + panel.gridPos.h + moved;
    const shifted = (one) => ({ ...one, gridPos: { ...one.gridPos, y: one.gridPos.y + moved } });
    const placed = [panel, ...inside].flatMap((one) => copies(shifted(one), variables));
    items.push(...placed);
    moved += Math.max(0, bottom(placed) - usual);
  }
  return {
    items: items.map(({ place, ...item }) => ({ ...item, box: box(place, width) })),
    height: bottom(items) * (CELL + GAP),
  };
}
