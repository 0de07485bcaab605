/** Mapping a file into memory on Deno, which has no call for it: the C library's, by FFI. */

/** A pointer, which only Deno can look into. */
type Pointer = object | null;

declare const Deno: {
  readonly build: { readonly os: string };
  readonly permissions: {
    querySync(descriptor: { readonly name: "ffi" }): { readonly state: string; readonly partial: boolean };
  };
  dlopen(library: string, symbols: object): {
    readonly symbols: {
      open(path: Uint8Array, flags: number): number;
      mmap(at: Pointer, size: bigint, protection: number, flags: number, file: number, offset: bigint): Pointer;
      close(file: number): number;
    };
    close(): void;
  };
  readonly UnsafePointerView: { getArrayBuffer(pointer: Pointer, size: number): ArrayBuffer };
  readonly UnsafePointer: { value(pointer: Pointer): bigint };
};

/** The C library, where this is known to work. */
const LIBRARIES: Readonly<Record<string, string | undefined>> = { linux: "libc.so.6", darwin: "libSystem.dylib" };

const O_RDWR = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/**
 * Maps a file.
 *
 * @param path Where it is.
 * @param size Bytes from its start on.
 * @returns The shared memory; `undefined` if this process may not, or the system cannot.
 */
export function mapFile(path: string, size: number): Uint8Array | undefined {
  const name = LIBRARIES[Deno.build.os];
  const { state, partial } = Deno.permissions.querySync({ name: "ffi" });
  if (name === undefined || state !== "granted" || partial) return undefined;
  try {
    const library = Deno.dlopen(name, {
      open: { parameters: ["buffer", "i32"], result: "i32" },
      mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
      close: { parameters: ["i32"], result: "i32" },
    });
    const file = library.symbols.open(new TextEncoder().encode(`${path}\0`), O_RDWR);
    if (file < 0) return undefined;
    const memory = library.symbols.mmap(null, BigInt(size), PROT_READ_WRITE, MAP_SHARED, file, 0n);
    library.symbols.close(file);
    const failed = memory === null || BigInt.asIntN(64, Deno.UnsafePointer.value(memory)) === -1n;
    return failed ? undefined : new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(memory, size));
  } catch {
    return undefined; // another C library (musl): the file itself serves, only slower
  }
}
