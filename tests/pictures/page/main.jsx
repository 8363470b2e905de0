// The page that a picture is taken of. `window.draw(job)` draws a dashboard whose answers are there already, and
// tells of each panel how it came out.
import { Component } from 'react';
import { createRoot } from 'react-dom/client';
import { createTheme, dateTime, dateTimeFormat, ThemeContext } from '@grafana/data';
import { GlobalStyles, Icon, PanelChrome } from '@grafana/ui';
import { judge, prepare } from './frames.js';
import { PANELS } from './panels.jsx';

const PADDING = 16;
const DRAWN_WITHOUT_DATA = ['bargauge', 'stat', 'text']; // the first two write what is said of absence in large letters

// A drawing that fails spoils its own panel only, and is told.
class Guard extends Component {
  state = {};

  static getDerivedStateFromError({ message }) {
    return { message };
  }

  componentDidCatch({ message }) {
    Object.assign(this.props.report, { status: 'error', message: `drawing: ${message}` });
  }

  render() {
    return this.state.message ? <Notice text={this.state.message} color="red" /> : this.props.children;
  }
}

function Notice({ text, color }) {
  const middle = { display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center' };
  return <div style={{ ...middle, textAlign: 'center', color }}>{text}</div>;
}

function Body({ panel, size, shared }) {
  const { report, frames, fieldConfig, options } = panel;
  const { theme } = shared;
  if (report.status === 'error') {
    return <Notice text={report.message} color={theme.colors.error.text} />;
  }
  if (frames.length === 0 && !DRAWN_WITHOUT_DATA.includes(panel.type)) {
    return <Notice text={report.message || 'No data'} color={theme.colors.text.secondary} />;
  }
  const Kind = PANELS[panel.type];
  return <Kind {...{ options, frames, fieldConfig }} {...size} {...shared} />;
}

function Panel({ panel, shared }) {
  const { box, title, description, report } = panel;
  return (
    <div style={{ position: 'absolute', ...box }}>
      <PanelChrome {...{ title, description }} width={box.width} height={box.height}>
        {(width, height) => (
          <Guard report={report}>
            <Body panel={panel} size={{ width, height }} shared={shared} />
          </Guard>
        )}
      </PanelChrome>
    </div>
  );
}

function Row({ box, title, opened }) {
  return (
    <div style={{ position: 'absolute', ...box, display: 'flex', alignItems: 'center', gap: 8, fontSize: 18 }}>
      <Icon name={opened ? 'angle-down' : 'angle-right'} />
      {title}
    </div>
  );
}

function Header({ title, variables, range, theme }) {
  const frame = { border: `1px solid ${theme.colors.border.medium}`, padding: '3px 8px' };
  const grey = { color: theme.colors.text.secondary };
  const moment = (seconds) => dateTimeFormat(seconds * 1000, { timeZone: 'utc', format: 'YYYY-MM-DD HH:mm' });
  return (
    <header style={{ marginBottom: PADDING, fontSize: 13 }}>
      <div style={{ display: 'flex', justifyContent: 'space-between', marginBottom: 8 }}>
        <span style={{ fontSize: 20 }}>{title}</span>
        <span style={grey}>
          {moment(range.start)} to {moment(range.end)} UTC
        </span>
      </div>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8 }}>
        {variables.map(({ name, label, text }) => (
          <span key={name} style={{ display: 'flex' }}>
            <span style={{ ...frame, ...grey }}>{label}</span>
            <span style={{ ...frame, background: theme.colors.background.primary }}>{text || '\u00a0'}</span>
          </span>
        ))}
      </div>
    </header>
  );
}

const nextFrame = () => new Promise((done) => requestAnimationFrame(done));

// Text on a canvas does not wait for its font.
async function loadFonts(root, theme) {
  root.render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
    </ThemeContext.Provider>
  );
  await nextFrame();
  await nextFrame();
  await Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 12px Inter`)));
}

async function ready(panel, theme) {
  const report = { id: panel.id };
  try {
    if (!PANELS[panel.type]) {
      throw new Error(`panels of type ${panel.type} are not known here`);
    }
    const prepared = panel.type === 'text' ? { frames: [] } : await prepare(panel, theme);
    const judged = panel.type === 'text' ? { status: 'ok', message: '' } : judge(panel, prepared.frames);
    return { ...panel, ...prepared, report: Object.assign(report, judged) };
  } catch ({ message }) {
    return { ...panel, frames: [], report: Object.assign(report, { status: 'error', message }) };
  }
}

window.draw = async ({ title, variables, range, rows, panels, annotations, height, mode }) => {
  const theme = createTheme({ colors: { mode } });
  const root = createRoot(document.getElementById('root'));
  await loadFonts(root, theme);
  const [from, to] = [dateTime(range.start * 1000), dateTime(range.end * 1000)];
  const shared = { theme, annotations, timeRange: { from, to, raw: { from, to } } };
  const prepared = await Promise.all(panels.map((panel) => ready(panel, theme)));
  root.render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ padding: PADDING, background: theme.colors.background.canvas }}>
        <Header {...{ title, variables, range, theme }} />
        <div style={{ position: 'relative', height }}>
          {rows.map((row, i) => (
            <Row key={i} {...row} />
          ))}
          {prepared.map((panel, i) => (
            <Panel key={i} {...{ panel, shared }} />
          ))}
        </div>
      </div>
    </ThemeContext.Provider>
  );
  // Legends are measured once they are drawn, and the charts above them drawn again.
  await nextFrame();
  await new Promise((done) => setTimeout(done, 400));
  await nextFrame();
  return prepared.map(({ report }) => report);
};
