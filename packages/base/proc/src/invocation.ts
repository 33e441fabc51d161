// How a program is called: what main functions get instead of process.argv and process.env.

/** One call of a program. Strings are as Node gives them; addresses in them go through mailText. */
export interface Invocation {
  /** The path it was started by, absolute, symbolic links kept: its siblings are beside it. */
  readonly program: string;
  /** The positional arguments. */
  readonly args: readonly string[];
  readonly options: Readonly<
    Record<string, string | boolean | number | readonly string[] | undefined>
  >;
  readonly env: Readonly<NodeJS.ProcessEnv>;
}
