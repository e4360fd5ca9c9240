;; A program of WASI preview 1 that does little: the tests fill in what its `_start` does.
(module
  {imports}
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  {data}

  ;; Reads up to 64 KiB into the second page, and gives how much it was.
  (func $read (result i32)
    (i32.store (i32.const 0) (i32.const 65536))
    (i32.store (i32.const 4) (i32.const 65536))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))

  ;; Writes to a stream, and gives the error.
  (func $write (param $fd i32) (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))

  ;; Writes what it reads.
  (func $echo (local $n i32)
    (loop $again
      (local.set $n (call $read))
      (drop (call $write (i32.const 1) (i32.const 65536) (local.get $n)))
      (br_if $again (local.get $n))))

  (func $recurse (call $recurse) (call $recurse))

  (func (export "_start") (local $n i32)
    {start}))
