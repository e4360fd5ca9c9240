;; A plugin with an empty place for the body of `transform`. The tests fill in what it does and
;; under which names it imports and exports. Its memory is a module of its own, so that imports can
;; be lowered before the program is there.
(component
  {imports}
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  {lowered}

  (core module $program
    (import "memory" "memory" (memory 1))
    {core-imports}
    (global $free (mut i32) (i32.const 65536))
    (data (i32.const 0) "shell0.9.0A plugin for tests.said")

    ;; Gives what follows the last, and never takes anything back.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (block $done
        (loop $more
          (br_if $done (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
          (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
          unreachable))
      (local.get $at))

    (func (export "describe") (result i32)
      (i32.store (i32.const 1024) (i32.const 0)) (i32.store (i32.const 1028) (i32.const 5))
      (i32.store (i32.const 1032) (i32.const 5)) (i32.store (i32.const 1036) (i32.const 5))
      (i32.store (i32.const 1040) (i32.const 10)) (i32.store (i32.const 1044) (i32.const 19))
      (i32.store8 (i32.const 1048) (i32.const 1))
      (i32.store8 (i32.const 1052) (i32.const 0))
      (i32.const 1024))

    ;; Answers with `$length` strings that are listed at `$strings`.
    (func $answer (param $strings i32) (param $length i32) (result i32)
      (i32.store8 (i32.const 2048) (i32.const 0))
      (i32.store (i32.const 2052) (local.get $strings))
      (i32.store (i32.const 2056) (local.get $length))
      (i32.const 2048))

    (func $transform (export "transform")
      (param $objects i32) (param $count i32) (param i32 i32) (result i32)
      (local $n i32)
      {transform}))
  (core instance $program (instantiate $program
    (with "memory" (instance $memory))
    {with}))

  (type $failure' (record
    (field "message" string) (field "object" (option u32))
    (field "field" (option string)) (field "hint" (option string))))
  (export $failure "failure" (type $failure'))
  (type $scope' (enum "object" "set"))
  (export $scope "scope" (type $scope'))
  (type $description' (record
    (field "name" string) (field "version" string) (field "summary" string)
    (field "scope" $scope) (field "configuration-schema" (option string))))
  (export $description "description" (type $description'))

  (func $transform
    (param "objects" (list string)) (param "configuration" string)
    (result (result (list string) (error $failure)))
    (canon lift (core func $program "transform") (memory (core memory $memory "memory"))
      (realloc (core func $program "realloc"))))
  (func $describe (result $description)
    (canon lift (core func $program "describe") (memory (core memory $memory "memory"))))
  (instance $transformer (export "transform" (func $transform)))
  (instance $describer (export "describe" (func $describe)))
  (export "windlass:plugin/transform@{version}" (instance $transformer))
  (export "windlass:plugin/describe@{version}" (instance $describer)))
