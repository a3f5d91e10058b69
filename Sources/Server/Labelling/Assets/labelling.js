// What the pages do without a reload. Every form works without this script too.
'use strict';

const announcer = document.getElementById('announcer');

function announce(text) {
  // A text that stays the same would not be read again.
  announcer.textContent = '';
  setTimeout(() => { announcer.textContent = text; }, 50);
}

// MARK: Forms

// Sends a form and puts the answer's content in place of the page's, so that the focus and the place on the screen stay.
async function send(form, submitter) {
  const body = new FormData(form, submitter);
  const isUpload = form.enctype === 'multipart/form-data';
  const focused = document.activeElement?.dataset?.key;
  setBusy(form, true);
  try {
    const answer = await fetch(form.action, { method: 'POST', body: isUpload ? body : new URLSearchParams(body) });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const main = page.getElementById('main');
    if (!main) throw new Error('no page came');
    document.getElementById('main').replaceWith(main);
    document.title = page.title;
    if (answer.redirected) history.replaceState(null, '', new URL(answer.url).pathname + withoutNews(answer.url));
    begin();
    const said = [...main.querySelectorAll('[data-announce]')].map((element) => element.textContent);
    const question = main.querySelector('figcaption')?.textContent ?? '';
    announce([...said, question].join(' '));
    const same = focused && main.querySelector(`[data-key="${focused}"]`);
    (same || main.querySelector('#question') || main.querySelector('h1') || main).focus({ preventScroll: false });
  } catch (error) {
    setBusy(form, false);
    announce('Not saved: the service does not answer. Try again.');
    showFault(form, 'Not saved: the service does not answer. Try again.');
  }
}

// What was just done is not done again where somebody loads the page anew.
function withoutNews(url) {
  const query = new URL(url).searchParams;
  query.delete('said');
  return query.size ? `?${query}` : '';
}

function setBusy(form, isBusy) {
  for (const button of document.querySelectorAll('main button')) button.disabled = isBusy;
  form.setAttribute('aria-busy', isBusy);
}

function showFault(form, text) {
  let line = form.querySelector('.fault');
  if (!line) {
    line = document.createElement('p');
    line.className = 'fault';
    form.append(line);
  }
  line.textContent = text;
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post' || form.dataset.plain !== undefined) return;
  event.preventDefault();
  if (form.getAttribute('aria-busy') === 'true') return;
  send(form, event.submitter);
});

document.addEventListener('change', (event) => {
  if (event.target.dataset.submits !== undefined) event.target.form.submit();
});

// MARK: Pictures

function usePicture(files) {
  const input = document.getElementById('image');
  const picture = [...files].find((file) => file.type.startsWith('image/'));
  if (!input || !picture) return false;
  const list = new DataTransfer();
  list.items.add(picture);
  input.files = list.files;
  announce(`Picture taken: ${picture.name}`);
  return true;
}

document.addEventListener('paste', (event) => {
  if (usePicture(event.clipboardData.files)) event.preventDefault();
});

for (const name of ['dragover', 'dragleave', 'drop']) {
  document.addEventListener(name, (event) => {
    const place = document.querySelector('[data-drop]');
    if (!place) return;
    event.preventDefault();
    place.classList.toggle('over', name === 'dragover');
    if (name === 'drop') usePicture(event.dataTransfer.files);
  });
}

// MARK: Trainings

async function watch(element) {
  let phase = '';
  while (element.isConnected) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    let status;
    try {
      status = await (await fetch(element.dataset.watch)).json();
    } catch {
      continue; // the service may come back
    }
    if (!element.isConnected) return;
    if (!status.isRunning) {
      const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html');
      document.getElementById('main').replaceWith(page.getElementById('main'));
      begin();
      const fault = document.querySelector('#main .fault');
      return announce(fault ? fault.textContent : 'The training has ended.');
    }
    const bar = element.querySelector('progress');
    if (status.total > 0) {
      bar.max = status.total;
      bar.value = status.done;
    } else {
      bar.removeAttribute('value');
    }
    const count = status.total > 0 ? ` ${status.done}/${status.total}` : '';
    element.querySelector('[data-phase]').textContent = status.phase + count;
    if (status.phase !== phase) announce(status.phase);
    phase = status.phase;
  }
}

// MARK: Keys

const keysAreOn = () => localStorage.getItem('keys') !== 'off';

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const target = event.target;
  if (event.key === 'Escape' && target.matches('textarea')) return target.blur();
  if (!keysAreOn() || target.matches('textarea, select, input:not([type="checkbox"])')) return;
  // Return and space belong to what has the focus.
  if (event.key === 'Enter' && target.matches('a, button, summary')) return;
  const field = document.querySelector(`main [data-focus="${CSS.escape(event.key)}"]`);
  const control = document.querySelector(`main [data-key="${CSS.escape(event.key)}"]`);
  if (!field && !control) return;
  event.preventDefault();
  if (field) field.focus();
  else if (!event.repeat && !control.disabled) control.click();
});

// MARK: The content

function begin() {
  const keys = document.getElementById('keys');
  if (keys) {
    keys.checked = keysAreOn();
    keys.addEventListener('change', () => localStorage.setItem('keys', keys.checked ? 'on' : 'off'));
  }
  const training = document.querySelector('[data-watch]');
  if (training) watch(training);
  // The list of tasks sends itself.
  for (const select of document.querySelectorAll('[data-submits]')) {
    const button = select.form.querySelector('button');
    if (button) button.hidden = true;
  }
}

begin();
