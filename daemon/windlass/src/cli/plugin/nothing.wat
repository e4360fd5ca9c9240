;; A transformer that gives back the list it is given, without looking at it: what is left is the
;; sandbox's own time. The canonical ABI of the component model says where the values stand.
(component
  (core module $program
    (memory (export "memory") 1)
    ;; Below are the description and the two answers, above is what is handed in.
    (global $free (mut i32) (i32.const 4096))
    (data (i32.const 0) "nothing0.1.0Gives back what it is given.")

    (func (export "realloc") (param $old i32) (param $size i32) (param $align i32) (param $wanted i32)
      (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $wanted)))
      (block $enough
        (loop $grow
          (br_if $enough
            (i32.le_u (global.get $free) (i32.shl (memory.size) (i32.const 16))))
          (br_if $grow (i32.ge_s (memory.grow (i32.const 64)) (i32.const 0)))
          unreachable))
      (local.get $at))

    ;; name, version, summary: address and length each; scope `object`; no schema.
    (func (export "describe") (result i32)
      (i32.store (i32.const 1024) (i32.const 0))
      (i32.store (i32.const 1028) (i32.const 7))
      (i32.store (i32.const 1032) (i32.const 7))
      (i32.store (i32.const 1036) (i32.const 5))
      (i32.store (i32.const 1040) (i32.const 12))
      (i32.store (i32.const 1044) (i32.const 28))
      (i32.store8 (i32.const 1048) (i32.const 0))
      (i32.store8 (i32.const 1052) (i32.const 0))
      (i32.const 1024))

    ;; The list stands where it was put: `ok`, its address, its length.
    (func (export "transform") (param $list i32) (param $length i32) (param i32 i32) (result i32)
      (i32.store8 (i32.const 2048) (i32.const 0))
      (i32.store (i32.const 2052) (local.get $list))
      (i32.store (i32.const 2056) (local.get $length))
      (i32.const 2048)))
  (core instance $run (instantiate $program))

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
    (canon lift (core func $run "transform") (memory (core memory $run "memory"))
      (realloc (core func $run "realloc"))))
  (func $describe (result $description)
    (canon lift (core func $run "describe") (memory (core memory $run "memory"))))
  (instance $transformer (export "transform" (func $transform)))
  (instance $describer (export "describe" (func $describe)))
  (export "windlass:plugin/transform@0.1.0" (instance $transformer))
  (export "windlass:plugin/describe@0.1.0" (instance $describer)))
