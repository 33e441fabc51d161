// Waiting for one of several things, but not for ever.

/** Resolves when one of `events` has resolved or so many milliseconds have passed. */
export async function within(
  milliseconds: number,
  ...events: readonly Promise<void>[]
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await Promise.race([late, ...events]);
  } finally {
    clearTimeout(timer);
  }
}
