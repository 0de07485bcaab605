/** The arguments of calls: copied when they are submitted, and kept as bytes, one behind the other, until they are sent. */
import { ByteWriter } from "../channel/byte_writer.ts";
import { encodeList, type Sending } from "../channel/codec.ts";
import { ownSegments, type Segment } from "../channel/segments.ts";

/** The arguments of a call, as they wait. */
export interface CopiedArguments {
  /** A block that holds them, encoded. */
  readonly bytes: Uint8Array;
  /** Where they begin. */
  readonly start: number;
  /** Where they end. */
  readonly end: number;
  /** Large buffers of them. */
  readonly segments: readonly Segment[];
}

/** How arguments are copied. */
export interface CopyOptions {
  /** Buffers that move instead of being copied. */
  readonly transfer: ReadonlySet<ArrayBuffer> | undefined;
  /** Whether those of them that are not met keep their memory, as they may belong to another item. */
  readonly metOnly: boolean;
  /** Called when all is read, before any buffer moves: getters may have done anything. May throw. */
  check(): void;
}

/** Copies arguments. */
export class CallArguments {
  readonly #writer = new ByteWriter(true);
  readonly #sending: Sending;

  /** Of calls of one executor, which are sent so. */
  constructor(sending: Sending) {
    this.#sending = sending;
  }

  /**
   * Copies the arguments of one call.
   *
   * @param values They.
   * @param nameOf Gives the root of the path of value i, as `args[0]`; called on failure only.
   * @param options How.
   * @throws {PicklingError} If one cannot cross.
   * @throws What `options.check()` throws.
   */
  copy(values: readonly unknown[], nameOf: (index: number) => string, options: CopyOptions): CopiedArguments {
    const writer = this.#writer;
    const { transfer, metOnly } = options;
    const before = writer.transfer;
    writer.begin();
    writer.transfer = transfer;
    try {
      encodeList(writer, values, nameOf, "argument", this.#sending); // leaves the writer as it was if it throws
    } catch (error) {
      writer.transfer = before;
      // A call that a getter makes is refused in the middle of another's arguments, which are still being written.
      if (writer.length === writer.start) writer.end();
      throw error;
    }
    try {
      const met = writer.takeSegments();
      options.check();
      const segments = ownSegments(met, { transfer, metOnly });
      return { bytes: writer.bytes, start: writer.start, end: writer.length, segments };
    } catch (error) {
      writer.rollback();
      throw error;
    } finally {
      writer.end();
    }
  }
}
