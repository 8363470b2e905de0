// The HTTP API of Prometheus.

const PATIENCE_MS = 30_000;

export class Prometheus {
  #base;

  constructor(address) {
    this.#base = address.replace(/\/+$/, '');
  }

  // Series of an instant query, each with one sample.
  async now(query, time) {
    const { resultType, result } = await this.#ask('query', { query, time });
    if (resultType === 'scalar') {
      return [{ labels: {}, samples: [result] }];
    }
    return result.map(({ metric, value }) => ({ labels: metric, samples: [value] }));
  }

  // Series of a range query.
  async over(query, { start, end, step }) {
    const { result } = await this.#ask('query_range', { query, start, end, step });
    return result.map(({ metric, values }) => ({ labels: metric, samples: values }));
  }

  async labelValues(label, selector, { start, end }) {
    return this.#ask(`label/${label}/values`, { ...(selector && { 'match[]': selector }), start, end });
  }

  async #ask(path, parameters) {
    const search = new URLSearchParams(parameters);
    const reply = await fetch(`${this.#base}/api/v1/${path}?${search}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const told = await reply.json().catch(() => ({ error: `HTTP ${reply.status}` }));
    if (told.status !== 'success') {
      throw new Error(told.error);
    }
    return told.data;
  }
}
