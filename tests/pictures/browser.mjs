// The page in a headless Chromium: bundled, served on loopback, photographed.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import puppeteer from 'puppeteer-core';
import sharp from 'sharp';

const here = path.dirname(fileURLToPath(import.meta.url));
const built = path.join(here, 'build');
const modules = path.join(here, 'node_modules');

// ---------------------------------------------------------------- bundle

// The Grafana packages follow Babel's rule for importing CommonJS, which esbuild applies to .js but not to .mjs.
const likeBabel = {
  name: 'like-babel',
  setup(build) {
    build.onResolve({ filter: /.*/ }, async ({ path: wanted, pluginData, ...how }) => {
      if (pluginData === likeBabel) {
        return undefined;
      }
      const { resolveDir, importer, kind } = how;
      const found = await build.resolve(wanted, { resolveDir, importer, kind, pluginData: likeBabel });
      const renamed = /@grafana\/\w+\/.*\.mjs$/.test(found.path);
      return renamed ? { path: `${found.path}.js`, sideEffects: found.sideEffects } : found;
    });
    build.onLoad({ filter: /\.mjs\.js$/ }, async ({ path: renamed }) => {
      const file = renamed.replace(/\.js$/, '');
      return { contents: await readFile(file, 'utf8'), loader: 'js', resolveDir: path.dirname(file) };
    });
  },
};

async function isBundled() {
  const sources = (await readdir(path.join(here, 'page'))).map((name) => path.join(here, 'page', name));
  const changed = async (file) => (await stat(file)).mtimeMs;
  const newest = Math.max(...(await Promise.all([...sources, path.join(here, 'package.json')].map(changed))));
  const bundle = path.join(built, 'main.js');
  return existsSync(bundle) && (await changed(bundle)) > newest;
}

async function bundle() {
  if (await isBundled()) {
    return;
  }
  const assets = ['.svg', '.png', '.ttf', '.woff', '.woff2'].map((suffix) => [suffix, 'dataurl']);
  await esbuild.build({
    entryPoints: [path.join(here, 'page', 'main.jsx')],
    outdir: built,
    bundle: true,
    format: 'iife',
    jsx: 'automatic',
    minify: true,
    logLevel: 'error',
    plugins: [likeBabel],
    define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    loader: Object.fromEntries(assets),
  });
}

// ---------------------------------------------------------------- files

const HTML = `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="/main.css">
<body style="margin: 0"><div id="root"></div>
<script>window.__grafana_public_path__ = '/public/'; window.process = { env: {} };</script>
<script src="/main.js"></script>`;
const FOLDERS = [
  ['/public/build/img/icons/', path.join(modules, '@grafana/ui/dist/public/img/icons')],
  ['/public/fonts/inter/', path.join(modules, '@fontsource/inter/files')],
  ['/', built],
];
const FONTS = {
  'Inter-Regular.woff2': 'inter-latin-400-normal.woff2',
  'Inter-Medium.woff2': 'inter-latin-500-normal.woff2',
};
const TYPES = { '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

async function fileOf(url) {
  const [prefix, folder] = FOLDERS.find(([start]) => url.startsWith(start));
  const name = url.slice(prefix.length);
  const file = path.join(folder, FONTS[name] ?? name);
  return { body: await readFile(file), type: TYPES[path.extname(file)] ?? 'application/octet-stream' };
}

async function serve() {
  const server = http.createServer(async (request, response) => {
    try {
      const { body, type } = request.url === '/' ? { body: HTML, type: 'text/html' } : await fileOf(request.url);
      response.writeHead(200, { 'content-type': type }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

// ---------------------------------------------------------------- browser

const DEBIAN = '/usr/bin/chromium';

// Debian's Chromium, else the one that npm brought, which unpacks itself into the temporary folder.
async function chromium() {
  if (existsSync(DEBIAN)) {
    return { executablePath: DEBIAN, headless: true };
  }
  const usual = process.env.TMPDIR;
  process.env.TMPDIR = built;
  try {
    const { default: unpacked } = await import('@sparticuz/chromium');
    return { executablePath: await unpacked.executablePath(), headless: 'shell' };
  } finally {
    if (usual === undefined) {
      delete process.env.TMPDIR;
    } else {
      process.env.TMPDIR = usual;
    }
  }
}

const ARGUMENTS = [
  '--no-sandbox', // root has none, nor have most containers; the page is ours
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
  '--lang=en-US',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];
const COLOURS = 128; // of the palette: a third of the size, and no difference to be seen

// Draws a job to the file `out`; gives what the page tells of each panel.
export async function photograph(job, { out, width }) {
  await mkdir(built, { recursive: true });
  await bundle();
  const server = await serve();
  let browser;
  try {
    const defaultViewport = { width, height: 800 };
    browser = await puppeteer.launch({ ...(await chromium()), args: ARGUMENTS, defaultViewport, pipe: true });
    const page = await browser.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error.message ?? error)));
    await page.evaluateOnNewDocument(() => {
      // Headless browsers may call their language en-US@posix, which Intl rejects.
      Object.defineProperty(navigator, 'language', { get: () => 'en-US' });
      Object.defineProperty(navigator, 'languages', { get: () => ['en-US'] });
    });
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    const panels = await page.evaluate((given) => window.draw(given), job);
    const height = await page.evaluate(() => Math.ceil(document.getElementById('root').getBoundingClientRect().height));
    await page.setViewport({ width, height });
    await page.waitForNetworkIdle({ idleTime: 200, timeout: 5000 }); // icons
    const picture = await page.screenshot();
    await mkdir(path.dirname(path.resolve(out)), { recursive: true });
    await sharp(picture).png({ palette: true, colours: COLOURS, dither: 0, effort: 10 }).toFile(out);
    return { panels, problems, height };
  } finally {
    await browser?.close();
    server.closeAllConnections();
    server.close();
  }
}
