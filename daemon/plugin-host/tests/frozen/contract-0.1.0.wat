;; A plugin that uses the contract 0.1.0 as far as it goes. `contract-0.1.0.wasm` was made of this text
;; once and stays as it is: later versions of Windlass have to run it, and get the same answers.
(component
  (import "windlass:plugin/log@0.1.0" (instance $log
    (type $level' (enum "debug" "info" "warning" "error"))
    (export "level" (type $level (eq $level')))
    (export "write" (func (param "level" $level) (param "message" string)))))
  (import "windlass:plugin/files@0.1.0" (instance $files
    (type $error' (variant (case "not-found") (case "not-a-file") (case "not-a-folder")
      (case "outside-tree") (case "too-large" u64) (case "refused" string) (case "other" string)))
    (export "file-error" (type $error (eq $error')))
    (export "read" (func (param "path" string) (result (result (list u8) (error $error)))))
    (export "exists" (func (param "path" string) (result (result bool (error $error)))))
    (export "folder" (func (result string)))))
  (import "windlass:plugin/secrets@0.1.0" (instance $secrets
    (export "reference" (func (param "store" string) (param "name" string) (param "key" string)
      (result (result string (error string)))))))
  (import "wasi:clocks/wall-clock@0.2.0" (instance $clock
    (type $datetime' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $datetime')))
    (export "now" (func (result $datetime)))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-u64" (func (result u64)))))

  (core module $libc
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))

  (core func $write (canon lower (func $log "write") (memory $memory)))
  (core func $read (canon lower (func $files "read") (memory $memory) (realloc $realloc)))
  (core func $exists (canon lower (func $files "exists") (memory $memory) (realloc $realloc)))
  (core func $folder (canon lower (func $files "folder") (memory $memory) (realloc $realloc)))
  (core func $reference
    (canon lower (func $secrets "reference") (memory $memory) (realloc $realloc)))
  (core func $now (canon lower (func $clock "now") (memory $memory)))
  (core func $random (canon lower (func $random "get-random-u64")))

  (core module $program
    (import "libc" "memory" (memory 2))
    (import "host" "write" (func $write (param i32 i32 i32)))
    (import "host" "read" (func $read (param i32 i32 i32)))
    (import "host" "exists" (func $exists (param i32 i32 i32)))
    (import "host" "folder" (func $folder (param i32)))
    (import "host" "reference" (func $reference (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "now" (func $now (param i32)))
    (import "host" "random" (func $random (result i64)))
    ;;                       0     6    11         22   27  31  33      41  45
    (data (i32.const 0) "frozen1.2.3Stays as ita.txtmaindbpasswordnonesaid")
    (data (i32.const 100) "{\"type\":\"object\"}")

    ;; Writes a number as sixteen digits of base 16.
    (func $hexadecimal (param $at i32) (param $number i64)
      (local $n i32) (local $digit i32)
      (loop $again
        (local.set $digit (i32.wrap_i64 (i64.and (local.get $number) (i64.const 15))))
        (i32.store8 (i32.sub (i32.add (local.get $at) (i32.const 15)) (local.get $n))
          (i32.add (local.get $digit)
            (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get $digit) (i32.const 9)))))
        (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 16)))))

    ;; Puts a text at the end of a list, and gives the new end.
    (func $push (param $end i32) (param $at i32) (param $length i32) (result i32)
      (i32.store (local.get $end) (local.get $at))
      (i32.store offset=4 (local.get $end) (local.get $length))
      (i32.add (local.get $end) (i32.const 8)))

    ;; The objects; then what there is to see.
    (func (export "transform")
      (param $objects i32) (param $count i32) (param $config i32) (param $length i32) (result i32)
      (local $end i32)
      (call $write (i32.const 1) (i32.const 0) (i32.const 6))
      (memory.copy (i32.const 4096) (local.get $objects) (i32.mul (local.get $count) (i32.const 8)))
      (local.set $end (i32.add (i32.const 4096) (i32.mul (local.get $count) (i32.const 8))))
      (local.set $end (call $push (local.get $end) (local.get $config) (local.get $length)))
      (call $read (i32.const 22) (i32.const 5) (i32.const 512))
      (local.set $end (call $push (local.get $end)
        (i32.load (i32.const 520)) (i32.load (i32.const 524))))
      (call $folder (i32.const 576))
      (local.set $end (call $push (local.get $end)
        (i32.load (i32.const 576)) (i32.load (i32.const 580))))
      (call $reference (i32.const 27) (i32.const 4) (i32.const 31) (i32.const 2)
        (i32.const 33) (i32.const 8) (i32.const 592))
      (local.set $end (call $push (local.get $end)
        (i32.load (i32.const 596)) (i32.load (i32.const 600))))
      (call $exists (i32.const 41) (i32.const 4) (i32.const 544))
      (i32.store8 (i32.const 640) (i32.add (i32.const 48) (i32.load8_u (i32.const 552))))
      (local.set $end (call $push (local.get $end) (i32.const 640) (i32.const 1)))
      (call $now (i32.const 608))
      (call $hexadecimal (i32.const 648) (i64.load (i32.const 608)))
      (local.set $end (call $push (local.get $end) (i32.const 648) (i32.const 16)))
      (call $hexadecimal (i32.const 664) (call $random))
      (local.set $end (call $push (local.get $end) (i32.const 664) (i32.const 16)))
      (i32.store8 (i32.const 700) (i32.const 0))
      (i32.store (i32.const 704) (i32.const 4096))
      (i32.store (i32.const 708)
        (i32.shr_u (i32.sub (local.get $end) (i32.const 4096)) (i32.const 3)))
      (i32.const 700))

    ;; A warning about the first object.
    (func (export "validate") (param i32 i32 i32 i32) (result i32)
      (i32.store8 (i32.const 800) (i32.const 1))
      (i32.store8 (i32.const 804) (i32.const 1)) (i32.store (i32.const 808) (i32.const 0))
      (i32.store8 (i32.const 812) (i32.const 0))
      (i32.store (i32.const 824) (i32.const 45)) (i32.store (i32.const 828) (i32.const 4))
      (i32.store8 (i32.const 832) (i32.const 0))
      (i32.store8 (i32.const 844) (i32.const 1))
      (i32.store (i32.const 848) (i32.const 0)) (i32.store (i32.const 852) (i32.const 6))
      (i32.store8 (i32.const 900) (i32.const 0))
      (i32.store (i32.const 904) (i32.const 800)) (i32.store (i32.const 908) (i32.const 1))
      (i32.const 900))

    ;; Progressing, with a message.
    (func (export "assess") (param i32 i32 i32 i32) (result i32)
      (i32.store8 (i32.const 1000) (i32.const 0))
      (i32.store8 (i32.const 1004) (i32.const 1))
      (i32.store8 (i32.const 1008) (i32.const 1))
      (i32.store (i32.const 1012) (i32.const 45)) (i32.store (i32.const 1016) (i32.const 4))
      (i32.const 1000))

    (func (export "describe") (result i32)
      (i32.store (i32.const 1100) (i32.const 0)) (i32.store (i32.const 1104) (i32.const 6))
      (i32.store (i32.const 1108) (i32.const 6)) (i32.store (i32.const 1112) (i32.const 5))
      (i32.store (i32.const 1116) (i32.const 11)) (i32.store (i32.const 1120) (i32.const 11))
      (i32.store8 (i32.const 1124) (i32.const 1))
      (i32.store8 (i32.const 1128) (i32.const 1))
      (i32.store (i32.const 1132) (i32.const 100)) (i32.store (i32.const 1136) (i32.const 17))
      (i32.const 1100)))
  (core instance $program (instantiate $program
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "write" (func $write)) (export "read" (func $read)) (export "exists" (func $exists))
      (export "folder" (func $folder)) (export "reference" (func $reference))
      (export "now" (func $now)) (export "random" (func $random))))))

  (type $failure' (record
    (field "message" string) (field "object" (option u32))
    (field "field" (option string)) (field "hint" (option string))))
  (export $failure "failure" (type $failure'))
  (type $severity' (enum "error" "warning" "info"))
  (export $severity "severity" (type $severity'))
  (type $finding' (record
    (field "severity" $severity) (field "object" (option u32)) (field "field" (option string))
    (field "message" string) (field "hint" (option string)) (field "rule" (option string))))
  (export $finding "finding" (type $finding'))
  (type $status' (enum
    "healthy" "progressing" "degraded" "suspended" "terminating" "unknown"))
  (export $status "health-status" (type $status'))
  (type $health' (record (field "status" $status) (field "message" (option string))))
  (export $health "health" (type $health'))
  (type $scope' (enum "object" "set"))
  (export $scope "scope" (type $scope'))
  (type $description' (record
    (field "name" string) (field "version" string) (field "summary" string)
    (field "scope" $scope) (field "configuration-schema" (option string))))
  (export $description "description" (type $description'))

  (func $transform
    (param "objects" (list string)) (param "configuration" string)
    (result (result (list string) (error $failure)))
    (canon lift (core func $program "transform") (memory $memory) (realloc $realloc)))
  (func $validate
    (param "objects" (list string)) (param "configuration" string)
    (result (result (list $finding) (error $failure)))
    (canon lift (core func $program "validate") (memory $memory) (realloc $realloc)))
  (func $assess
    (param "object" string) (param "configuration" string)
    (result (result $health (error $failure)))
    (canon lift (core func $program "assess") (memory $memory) (realloc $realloc)))
  (func $describe (result $description)
    (canon lift (core func $program "describe") (memory $memory)))
  (instance $transformer (export "transform" (func $transform)))
  (instance $validator (export "validate" (func $validate)))
  (instance $assessor (export "assess" (func $assess)))
  (instance $describer (export "describe" (func $describe)))
  (export "windlass:plugin/transform@0.1.0" (instance $transformer))
  (export "windlass:plugin/validate@0.1.0" (instance $validator))
  (export "windlass:plugin/assess@0.1.0" (instance $assessor))
  (export "windlass:plugin/describe@0.1.0" (instance $describer)))
