import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** Where Chromium or Chrome is: CHROME_PATH, or the first on PATH. @throws Error that says what to install. */
export async function chromiumPath(): Promise<string> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  for (const place of [process.env.CHROME_PATH, ...places, MAC]) {
    if (place === undefined) continue;
    const there = await access(place).then(
      () => true,
      () => false,
    );
    if (there) return place;
  }
  throw new Error(
    'There is no Chromium to look at the report with: install it, or say where it is in CHROME_PATH.',
  );
}
