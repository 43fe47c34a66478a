// Instants as the reader knows them: in the subscription's time zone, and in the reader's where that differs.
// Rule: every time says whose it is as soon as there are two.

/** The time zone of whoever looks. */
export function viewerZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function format(at: Date, zone: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(at);
}

export interface InTwoZones {
  /** In the subscription's zone, named where the viewer's differs. */
  readonly there: string;
  /** In the viewer's zone; null where it reads the same. */
  readonly here: string | null;
}

/** An instant of the API in the subscription's zone, and in the viewer's where it reads differently there. */
export function instant(iso: string, zone: string, viewer = viewerZone(), locale?: string): InTwoZones {
  const at = new Date(iso);
  const there = format(at, zone, locale);
  const here = format(at, viewer, locale);
  return here === there ? { there, here: null } : { there: `${there} (${zone})`, here: `${here} (your time)` };
}

/** The day of a date of the API, `2026-12-24`, as the reader writes it; no zone can move it. */
export function day(date: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(
    new Date(`${date}T00:00:00Z`),
  );
}

/** The time of day of the viewer's clock, with seconds. */
export function clock(at: Date, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: "medium" }).format(at);
}

/** How long it is from `now`, in milliseconds, to an instant of the API: "2 h 05 min", "4 min 09 s"; null once it is
 * reached. It is never told longer than it is. */
export function timeLeft(iso: string, now: number): string | null {
  const seconds = Math.floor((new Date(iso).getTime() - now) / 1000);
  if (seconds <= 0) return null;
  const two = (number: number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours} h ${two(minutes)} min` : `${minutes} min ${two(seconds % 60)} s`;
}

/** What was typed into a field of day and time, which is in the viewer's zone, as an instant of the API; null where
 * nothing was, or nothing that is a time. */
export function instantOf(typed: string): string | null {
  const at = new Date(typed);
  return typed === "" || Number.isNaN(at.getTime()) ? null : at.toISOString();
}
