// The variables of a dashboard: what can be chosen, and what is.
import { ALL, constant, fillQuery, references } from './interpolate.mjs';

const LABEL_VALUES = /^label_values\(\s*(?:(.+),\s*)?(\w+)\s*\)$/s;
const QUERY_RESULT = /^query_result\((.+)\)$/s;

// A series as `query_result` gives it to the variable's regular expression.
function spelled({ labels: { __name__: name = '', ...labels }, samples: [[time, value]] }) {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `${name}{${pairs.join(',')}} ${value} ${time * 1000}`;
}

async function ask(question, prometheus, range) {
  const [, selector, label] = question.match(LABEL_VALUES) ?? [];
  if (label) {
    return prometheus.labelValues(label, selector, range);
  }
  const [, query] = question.match(QUERY_RESULT) ?? [];
  if (query) {
    return (await prometheus.now(query, range.end)).map(spelled);
  }
  throw new Error(`neither label_values nor query_result: ${question}`);
}

// Keeps what matches /pattern/, and of that the first group.
function matching(values, pattern) {
  if (!pattern) {
    return values;
  }
  const expression = new RegExp(pattern.replace(/^\/(.*)\/$/s, '$1'));
  return values.flatMap((value) => {
    const match = value.match(expression);
    return match ? [match[1] ?? match[0]] : [];
  });
}

async function optionsOf(definition, variables, prometheus, range) {
  switch (definition.type) {
    case 'datasource':
      return ['prometheus'];
    case 'custom':
      return definition.query.split(',').map((value) => value.trim());
    case 'query': {
      const question = fillQuery(definition.query.query, variables).trim();
      const found = [...new Set(matching(await ask(question, prometheus, range), definition.regex))];
      return definition.sort === 1 ? found.sort() : found;
    }
    default:
      throw new Error(`variables of type ${definition.type} are not known here`);
  }
}

// The one that was asked for, else the saved one while it exists, else the first.
function choose({ current, includeAll }, options, wanted) {
  const saved = [current?.value ?? []].flat();
  const values = wanted ?? saved.filter((value) => options.includes(value) || (value === ALL && includeAll));
  return values.length > 0 ? values.map((value) => (value === 'All' ? ALL : value)) : options.slice(0, 1);
}

// All variables by name, in the dashboard's order, in which each refers to those before it.
export async function resolveVariables(definitions, { prometheus, range, wanted, builtin }) {
  const variables = new Map(Object.entries(builtin).map(([name, value]) => [name, constant(value)]));
  for (const definition of definitions) {
    const { name, label, type, hide, multi, includeAll, allValue } = definition;
    const late = definitions
      .slice(definitions.indexOf(definition))
      .find((other) => references(JSON.stringify(definition.query)).includes(other.name));
    if (late) {
      throw new Error(`variable ${name} refers to ${late.name}, which comes after it`);
    }
    const options = await optionsOf(definition, variables, prometheus, range);
    const values = choose(definition, options, wanted[name]);
    const value = multi ? values : (values[0] ?? '');
    variables.set(name, { name, label, type, hide, multi, includeAll, allValue, options, value });
  }
  return variables;
}
