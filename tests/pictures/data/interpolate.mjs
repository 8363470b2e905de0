// Values of variables in texts and in PromQL, as Grafana puts them there.

const REFERENCE = /\$([a-z_]\w*)|\$\{([a-z_]\w*)(?::(\w+))?\}/gi;

export const ALL = '$__all';

const isList = (variable) => Boolean(variable.multi || variable.includeAll);
const list = (value) => (Array.isArray(value) ? value : [value]);

// What a variable stands for: all its options where all are chosen.
function chosen({ value, options = [] }) {
  return list(value).includes(ALL) ? options : list(value);
}

// A backslash is written twice for the string of PromQL, and once more for its regular expression.
const inString = (text) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\\\'");
const inPattern = (text) => text.replaceAll('\\', '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');

function inQuery(variable) {
  if (!isList(variable)) {
    return inString(String(variable.value));
  }
  if (list(variable.value).includes(ALL) && variable.allValue) {
    return variable.allValue;
  }
  const patterns = chosen(variable).map((value) => inPattern(String(value)));
  return patterns.length === 1 ? patterns[0] : `(${patterns.join('|')})`;
}

// For the eye.
export function shown(variable) {
  return list(variable.value).includes(ALL) ? 'All' : chosen(variable).join(' + ');
}

const FORMATS = {
  raw: (variable) => chosen(variable).join(','),
  text: shown,
  pipe: (variable) => chosen(variable).join('|'),
  regex: inQuery,
};

function replace(text, variables, usual) {
  return text.replace(REFERENCE, (reference, bare, braced, format) => {
    const variable = variables.get(bare ?? braced);
    const write = format ? FORMATS[format] : usual;
    return variable && write ? write(variable) : reference;
  });
}

export const fillQuery = (text, variables) => replace(text, variables, inQuery);
export const fillText = (text, variables) => replace(text, variables, shown);

// Names of the variables that a text refers to.
export const references = (text) => [...text.matchAll(REFERENCE)].map(([, bare, braced]) => bare ?? braced);

// A value without a list of options, such as $__range.
export const constant = (value) => ({ value: String(value), options: [] });
