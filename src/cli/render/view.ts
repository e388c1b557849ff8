/** How the objects of one kind are shown, in every output form. */
export interface View<T> {
  /** The word in JSON and YAML, `Network`; a list of them is a `NetworkList`. */
  readonly kind: string;
  readonly columns: readonly Column<T>[];
  /** What `--quiet` prints. */
  id(item: T): string;
  /** What `--output name` prints: what other commands take for this object. */
  name(item: T): string;
  /** What JSON and YAML print: full ids, and always the same keys in the same order for the same kind of object. */
  document(item: T): object;
  /** What `info` and `show` print for people. */
  details?(item: T): readonly Line[];
}

export interface Column<T> {
  readonly title: string;
  /** Only in `--output wide`. */
  readonly wide?: boolean;
  /** An id: cut to 12 characters where ids are cut. */
  readonly id?: boolean;
  /** Empty text when the object has no such thing. */
  cell(item: T): string;
}

/** `Label: value`, or below a label, a table or further lines. Lines without a value are left out. */
export type Line = readonly [label: string, value: string | number | boolean | undefined] | Section;

export interface Section {
  readonly label: string;
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How objects are shown that come one after the other, without an end. */
export interface Stream<T> {
  /** For people. */
  line(item: T): string;
  /** What `--quiet` prints. */
  id(item: T): string;
  /** What JSON prints, an object a line. */
  document(item: T): object;
}
