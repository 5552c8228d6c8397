// Shows the scores of a recording, its waveform, and the attention over time. Nothing plays by itself.
import { ask, chosenRuns, find, heading, introduce, make, say, score } from "./shared.js";

const SVG = "http://www.w3.org/2000/svg";
const LABEL_WIDTH = 46; // pixels that a number below the time axis needs
let about = null;
let recording = null; // {name, source, example} or {name, source, bytes}
let answers = [];
let failed = false;
let busy = false;
let again = false;

// The recording

function choose(next) {
  if (recording?.bytes) URL.revokeObjectURL(recording.source);
  recording = next;
  find("name").replaceChildren(next.name);
  find("audio").src = next.source;
  for (const [number, button] of [...find("examples").children].entries()) {
    button.setAttribute("aria-pressed", String(number === next.example));
  }
  update();
}

function chooseExample(number) {
  const { id, label, speaker } = about.examples[number];
  choose({ name: `${label}, by speaker ${speaker} (${id})`, label, example: number, source: `example/${number}` });
}

async function chooseFile(file) {
  if (!file) return;
  try {
    if (file.size > about.max_bytes) throw new Error(about.too_large);
    const bytes = await file.arrayBuffer().catch(() => { throw new Error("the file cannot be read"); });
    choose({ name: file.name, bytes, source: URL.createObjectURL(new Blob([bytes], { type: file.type })) });
  } catch (error) {
    refuse(error.message);
  }
}

// Shows no scores beside a message about a file that has none.
function refuse(message) {
  if (recording?.bytes) URL.revokeObjectURL(recording.source);
  recording = null;
  answers = [];
  failed = true;
  again = busy; // what is computed still is not shown
  find("audio").removeAttribute("src");
  find("audio").load();
  find("name").textContent = "No recording";
  for (const button of find("examples").children) button.setAttribute("aria-pressed", "false");
  show();
  wait(false);
  say(message);
}

// The scores. One request at a time: what is chosen meanwhile is sent when the answer has arrived.

async function update() {
  if (busy) { again = true; return; }
  if (!recording) return;
  busy = true;
  failed = false;
  answers = chosenRuns().map((run) => ({ run }));
  show();
  wait(true);
  try {
    for (const answer of answers) {
      say(`run ${answer.run} listens …`);
      const { example, bytes } = recording;
      const query = new URLSearchParams({ run: answer.run, ...(bytes ? {} : { example }) });
      const content = await ask(`predict?${query}`, "application/octet-stream", bytes ?? "");
      if (again) break;
      Object.assign(answer, content);
      show();
    }
    if (!again) { wait(false); say(answers.map(summary).join(" · ")); }
  } catch (error) {
    if (!again) refuse(error.message.replace(/^this file/, recording.name));
  } finally {
    busy = false;
    if (again) { again = false; update(); }
  }
}

function wait(isWaiting) {
  find("status").classList.toggle("busy", isWaiting);
  find("status").classList.toggle("failed", failed);
  find("results").setAttribute("aria-busy", String(isWaiting));
}

function summary({ run, probabilities }) {
  const best = likeliest(probabilities);
  return `${run}: ${about.labels[best]} is likeliest, ${probabilities[best].toFixed(3)}`;
}

const likeliest = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

function show() {
  find("results").replaceChildren(...(answers.length ? answers : chosenRuns().map((run) => ({ run }))).map(card));
  find("timeline").replaceChildren(...timeline());
  find("note").replaceChildren(...notes().map((text) => make("span", { textContent: text })));
  follow();
}

function card({ run, probabilities }) {
  const best = probabilities && likeliest(probabilities);
  const list = make("ul", { className: "scores" }, ...about.labels.map((label, index) => {
    const name = label === recording?.label ? [label, " ", make("small", { textContent: "(true)", title: "the class of this example in the data" })] : label;
    return make("li", { className: index === best ? "label best" : "label" }, ...score(name, probabilities?.[index]));
  }));
  return make("section", { className: "model" }, heading(run, about.runs[run].facts), list);
}

// What must be known about the runs that are shown; runs with the same sentence share it.
function notes() {
  const done = answers.filter((answer) => answer.probabilities);
  const texts = recording?.isMute ? ["This browser cannot play the file. Its scores are right nevertheless."] : [];
  const tell = (those, text) => {
    const names = those.map((answer) => answer.run).join(" and ");
    if (those.length) texts.push(text(`${those.length > 1 ? "runs" : "run"} ${names}`));
  };
  tell(done.filter((answer) => answer.attention), () =>
    "Attention is how much each moment counts for the scores. The dashed line is an equal share for every moment.");
  tell(done.filter((answer) => !answer.attention), (names) =>
    `No attention to show for ${names}: only runs trained with --pooling attention have it.`);
  for (const answer of done.filter(isCut)) {
    texts.push(`Run ${answer.run} read the first ${answer.seconds_read} seconds only.`);
  }
  const bySpeaker = done.filter((answer) => about.runs[answer.run].by_speaker);
  if (recording?.label) {
    tell(bySpeaker, (names) =>
      `For ${names}, all ${bySpeaker[0].together} recordings of this speaker were normalised together.`);
    tell(done, () => "A run may have learnt from an example. A new recording can be scored less well.");
  } else {
    tell(bySpeaker, (names) =>
      `For ${names}, the recording was normalised by itself, without others of its speaker. It is scored less well.`);
  }
  return texts;
}

const isCut = (answer) => answer.seconds_read < answer.seconds;

// The waveform and what is drawn below it, on one time axis. All tracks are there from the start, so nothing jumps.

function timeline() {
  const { seconds, peaks } = answers.find((answer) => answer.peaks) ?? {};
  const tracks = [track("Waveform", "wave", peaks && waveform(peaks, seconds))];
  for (const { run } of answers.length ? answers : chosenRuns().map((name) => ({ run: name }))) {
    if (!about.runs[run].attention) continue;
    const answer = answers.find((each) => each.run === run && each.attention);
    tracks.push(track(`Attention of run ${run} over time`, "attention", ...(answer ? [curve(answer), ...unread(answer)] : [])));
    tracks.push(track("The same, added up over each half second", "halves", ...(answer ? [halves(answer), ...unread(answer)] : [])));
  }
  return [make("div", { className: "tracks" }, ...tracks, make("i", { id: "head" })), axis(seconds)];
}

function track(title, kind, ...content) {
  const box = make("div", { className: `track ${kind}` }, ...content.filter(Boolean));
  return make("div", {}, make("p", { className: "caption", textContent: title }), box);
}

function drawing(viewBox, description, ...shapes) {
  const picture = document.createElementNS(SVG, "svg");
  const attributes = { viewBox, preserveAspectRatio: "none", role: "img", "aria-label": description };
  for (const [name, value] of Object.entries(attributes)) picture.setAttribute(name, value);
  for (const [kind, path] of shapes) {
    const shape = document.createElementNS(SVG, "path");
    shape.setAttribute("class", kind);
    shape.setAttribute("d", path);
    shape.setAttribute("vector-effect", "non-scaling-stroke");
    picture.append(shape);
  }
  return picture;
}

function waveform(peaks, seconds) {
  const upper = peaks.map(([, high], index) => `${index + 0.5} ${-high}`);
  const lower = peaks.map(([low], index) => `${index + 0.5} ${-low}`).reverse();
  const path = `M${[...upper, ...lower].join("L")}Z`;
  return drawing(`0 -1.05 ${peaks.length} 2.1`, `waveform of ${seconds.toFixed(2)} seconds`, ["sound", path]);
}

function curve({ attention, seconds }) {
  const { weights, first, step } = attention;
  const top = 1.05 * Math.max(...weights);
  const height = (share) => 1 - share / top;
  const end = first + (weights.length - 1) * step;
  const points = weights.map((share, index) => `${first + index * step} ${height(share)}`);
  const edges = [`${first - step / 2} ${height(weights[0])}`, ...points, `${end + step / 2} ${height(weights.at(-1))}`];
  const most = first + weights.indexOf(Math.max(...weights)) * step;
  return drawing(
    `0 0 ${seconds} 1`, `attention over time, highest at ${most.toFixed(1)} seconds`,
    ["share", `M${first - step / 2} 1L${edges.join("L")}L${end + step / 2} 1Z`],
    ["line", `M${edges.join("L")}`],
    ["even", `M${first - step / 2} ${height(1 / weights.length)}H${end + step / 2}`],
  );
}

function halves({ attention, seconds, seconds_read: read }) {
  const { bins, bin_seconds: width } = attention;
  const top = Math.max(...bins);
  const every = stepOfLabels(seconds, width);
  return make("ol", {}, ...bins.map((share, index) => {
    const [start, stop] = [index * width, Math.min((index + 1) * width, read)];
    const percent = `${(100 * share).toFixed(0)} %`;
    const times = `${start.toFixed(1)} to ${stop.toFixed(1)} seconds: `;
    const bar = make("i");
    bar.style.height = `${100 * share / top}%`;
    const text = make("span", { textContent: percent, className: every > width ? "hidden" : "" });
    const item = make("li", { title: times + percent }, make("span", { className: "hidden", textContent: times }), text, bar);
    item.style.left = `${100 * start / seconds}%`;
    item.style.width = `${100 * (stop - start) / seconds}%`;
    return item;
  }));
}

// Covers what the run did not read.
function unread({ run, seconds, seconds_read: read }) {
  if (!isCut({ seconds, seconds_read: read })) return [];
  const cover = make("div", { className: "unread", title: `run ${run} reads the first ${read} seconds only` });
  cover.style.left = `${100 * read / seconds}%`;
  return [cover];
}

// Returns the seconds between two numbers, so that the numbers do not overlap.
function stepOfLabels(seconds, smallest) {
  const room = Math.max(1, find("timeline").clientWidth / LABEL_WIDTH);
  return [smallest, 1, 2, 5, 10, 20].find((step) => seconds / step <= room) ?? 30;
}

function axis(seconds) {
  const box = make("div", { className: "axis" });
  if (!seconds) return box;
  const step = stepOfLabels(seconds, 0.5);
  for (let time = 0; time <= seconds; time += step) {
    const tick = make("span", { textContent: `${step < 1 ? time.toFixed(1) : time} s` });
    tick.style.left = `${100 * time / seconds}%`;
    tick.classList.toggle("last", time > 0.97 * seconds);
    box.append(tick);
  }
  box.setAttribute("aria-hidden", "true");
  return box;
}

// The play-head

function follow() {
  const { currentTime: time, paused } = find("audio");
  const seconds = answers.find((answer) => answer.seconds)?.seconds;
  const head = find("head");
  if (head) {
    head.hidden = !seconds || !time;
    head.style.left = `${Math.min(100, 100 * time / (seconds || 1))}%`;
  }
  if (!paused) requestAnimationFrame(follow);
}

function jump(event) {
  const seconds = answers.find((answer) => answer.seconds)?.seconds;
  const box = find("timeline").querySelector(".tracks").getBoundingClientRect();
  if (seconds) find("audio").currentTime = seconds * (event.clientX - box.left) / box.width;
}

function cannotPlay() {
  if (!recording) return;
  recording.isMute = true;
  show();
}

async function start() {
  about = await ask("about");
  introduce(about);
  find("formats").textContent =
    `WAV, FLAC, OGG, MP3 and others, up to ${about.max_seconds} seconds and ${about.max_bytes / 2 ** 20} MB.`;
  find("examples").append(...about.examples.map(({ label, speaker }, number) => make("button", {
    type: "button", onclick: () => chooseExample(number),
  }, label, " ", make("small", { textContent: `speaker ${speaker}` }))));
  if (!about.examples.length) {
    find("about-examples").replaceChildren(
      "There are no examples, because the data were not found. Download them:",
      make("code", { textContent: about.download }),
      "Then start play.py again, or give another folder with ", make("code", { textContent: "--data FOLDER" }), ".",
    );
  }
  for (const id of ["run", "other"]) find(id).addEventListener("change", () => { recording ? update() : show(); });
  find("file").addEventListener("change", (event) => { chooseFile(event.target.files[0]); event.target.value = ""; });
  document.addEventListener("dragover", (event) => { event.preventDefault(); find("drop").classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) find("drop").classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    find("drop").classList.remove("over");
    chooseFile(event.dataTransfer.files[0]);
  });
  find("timeline").addEventListener("click", jump);
  for (const event of ["play", "seeked", "pause"]) find("audio").addEventListener(event, follow);
  find("audio").addEventListener("error", cannotPlay);
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) { width = contentRect.width; show(); }
  }).observe(find("timeline"));
  if (about.examples.length) chooseExample(0); else show();
}

start().catch((error) => say(error.message));
