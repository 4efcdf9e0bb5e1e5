/** Which of the browser's accounts this page is. */
export const number = Number(/\/u\/(\d+)/.exec(location.pathname)?.[1] ?? 0);
export const address = GLOBALS[10];

/** A path of the account's own. */
export function room(name, rest = "/") {
  return `/${name}/u/${number}${rest}`;
}
