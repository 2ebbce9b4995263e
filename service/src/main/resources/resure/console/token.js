// The token of this tab: in sessionStorage, in no address, asked for when the service wants one.

const KEY = 'resure.token';
let asking = null;

export const token = () => sessionStorage.getItem(KEY);

/** Asks for a token once, however many requests want it; false where the person would not give one. */
export function askToken(refused) {
  if (asking === null) {
    asking = ask(refused).finally(() => (asking = null));
  }
  return asking;
}

function ask(refused) {
  const dialog = document.getElementById('token');
  const text = document.getElementById('token-text');
  document.getElementById('token-why').textContent = refused
    ? 'The token that was used is not valid (any more). Another one is kept in this tab until the tab is closed.'
    : 'It is kept in this tab until the tab is closed, and sent only to this service.';
  text.value = '';
  return new Promise((resolve) => {
    const form = dialog.querySelector('form');
    const end = (given) => {
      form.removeEventListener('submit', submitted);
      dialog.removeEventListener('close', closed);
      dialog.close();
      showForget();
      resolve(given);
    };
    const submitted = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, text.value.trim());
      text.value = '';
      end(true);
    };
    const closed = () => end(false);
    form.addEventListener('submit', submitted);
    dialog.addEventListener('close', closed);
    document.getElementById('token-cancel').onclick = closed;
    dialog.showModal();
  });
}

/** Shows the way to forget the token where there is one. */
export function showForget() {
  const button = document.getElementById('forget');
  button.hidden = token() === null;
  button.onclick = () => {
    sessionStorage.removeItem(KEY);
    location.reload();
  };
}
