/**
 * Does `work` with a signal that is aborted in so many milliseconds, or when one of `others` is; `isLate` tells which it was.
 * By hand: what AbortSignal.any makes of AbortSignal.timeout, Node 20 may collect as garbage before its time, so that it
 * is never aborted.
 */
export async function within<T>(
  ms: number,
  others: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal, isLate: () => boolean) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop.abort(new DOMException("the time is up", "TimeoutError"));
  }, ms);
  const watched = others.flatMap((other) => (other ? [{ other, abort: () => stop.abort(other.reason) }] : []));
  for (const { other, abort } of watched)
    if (other.aborted) abort();
    else other.addEventListener("abort", abort, { once: true });
  try {
    return await work(stop.signal, () => isLate);
  } finally {
    clearTimeout(timer);
    for (const { other, abort } of watched) other.removeEventListener("abort", abort);
  }
}
