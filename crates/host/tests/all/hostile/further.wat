;; The hostile plugin's orders, added to those of the obedient one (`../guest.wat`). An order is a letter and its
;; arguments, numbers and texts on lines of their own:
;;
;;   a                 asks for the time without end
;;   b count           writes so many log lines "x"; without end when 0
;;   c count bytes     stores so many values under different keys, or until storage refuses, and answers how many
;;   d                 calls itself without end
;;   e                 grows its table until refused
;;   f target bytes    passes a text of so many bytes to an import; see `$hand-over`
;;   g number          passes a malformed argument; see `$malformed-argument`
;;   h number          returns a malformed answer; see `$malformed-answer`
;;   i count           opens so many requests at once, waits for the last, and keeps them all
;;   j count           opens so many requests and drops each at once
;;   k count           opens so many requests, waits for each response, and reads none
;;   l count           makes so many header maps and keeps them
;;   m number          uses a handle that it does not own; see `$foreign-handle`
;;   n method scheme   sends a request with this method and scheme; the usual ones when empty
;;   o key             answers the value under the key
;;   p key value       stores the value under the key
;;   q prefix          answers the keys with the prefix
;;   r bytes           answers with a text of so many bytes
;;   s name value      sets a header in three ways and answers the three results; a backslash stands for CR and LF, a |
;;                     for a NUL
;;   t                 changes the headers of a finished request, and answers the results
;;   u                 sends a request and never finishes its body
;;   v                 sends a request and drops its body unfinished
;;   w                 writes a body until refused, and answers the request's result
;;   x count           fills the bodies of so many requests that it never sends
;;   y target count bytes   makes so many requests with a text of so many bytes as method (0), authority (1) or path
;;                     (2), and never sends them
;;   z count           reads all of storage so many times
;;   1 fields          writes one log line with so many empty fields
;;   2 text            asks storage and the directory for the text, and answers with it
;;   3 count           sends so many requests to another origin, and answers the last result
;;   4 text            logs each half of the text in a line of its own
;;   5 text            stores the text as a key, twice in one commit
;;   6 count bytes     sends a request with a body in so many pieces of so many bytes, and answers its result
;;   7 count           sends so many requests one after another, and drops each response unread
;;   8 count bytes     opens so many requests at once with paths of so many bytes, and waits for the last
  (import "gym:door-access/storage@0.1.0" "get" (func $get (param i32 i32 i32)))
  (import "gym:door-access/storage@0.1.0" "scan" (func $scan (param i32 i32 i32 i32 i32 i32 i32)))
  (import "gym:door-access/directory@0.1.0" "find-members" (func $find-members (param i32 i32 i32)))
  (import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.check-write" (func $check-write (param i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.write-zeroes" (func $zeroes (param i32 i64 i32)))
  (import "wasi:http/types@0.2.0" "[static]fields.from-list" (func $from-list (param i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.set" (func $set (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.headers" (func $headers (param i32) (result i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]fields" (func $drop-fields (param i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]outgoing-body" (func $drop-body (param i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]future-incoming-response" (func $drop-future (param i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]incoming-response" (func $drop-response (param i32)))
;; functions
  (table $elements 1 funcref)
  (data (i32.const 0x1400) "x")
  (data (i32.const 0x1410) "/")
  (data (i32.const 0x1420) "accept")
  (data (i32.const 0x1430) "evil.example")
  ;; Invalid UTF-8.
  (data (i32.const 0x1440) "\ff\fe\fd")

  (func $number (result i32)
    (local $at i32) (local $length i32) (local $number i32)
    (call $line) (local.set $length) (local.set $at)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $length)))
        (local.set $number (i32.add (i32.mul (local.get $number) (i32.const 10))
          (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next)))
    (local.get $number))

  ;; A text of so many letters "a".
  (func $letters (param $bytes i32) (result i32)
    (local $at i32)
    (local.set $at (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $bytes)))
    (memory.fill (local.get $at) (i32.const 97) (local.get $bytes))
    (local.get $at))

  ;; A request to the plugin's own origin.
  (func $addressed (param $fields i32) (result i32)
    (local $request i32)
    (local.set $request (call $request (local.get $fields)))
    (drop (call $set-scheme (local.get $request) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0)))
    (drop (call $set-authority (local.get $request) (i32.const 1) (i32.const 0x1088) (i32.const 15)))
    (drop (call $set-path (local.get $request) (i32.const 1) (i32.const 0x1410) (i32.const 1)))
    (local.get $request))

  ;; Sends it. Returns the future response, or 0 when refused at once.
  (func $send (param $request i32) (result i32)
    (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 0x100))
    (if (i32.load8_u (i32.const 0x100)) (then (call $say-error (i32.const 0x108)) (return (i32.const 0))))
    (i32.load (i32.const 0x108)))

  ;; Waits for a response and answers its status or error.
  (func $await (param $future i32)
    (local $pollable i32)
    (if (i32.eqz (local.get $future)) (then (return)))
    (local.set $pollable (call $subscribe (local.get $future)))
    (call $block (local.get $pollable))
    (call $drop-pollable (local.get $pollable))
    (call $response (local.get $future) (i32.const 0x100))
    (if (i32.load8_u (i32.const 0x110)) (then (call $say-error (i32.const 0x118)) (return)))
    (call $say-number (call $status (i32.load (i32.const 0x118)))))

  ;; A request with a body: the request, its body, the body's stream.
  (func $with-body (result i32 i32 i32)
    (local $request i32) (local $body i32)
    (local.set $request (call $addressed (call $fields)))
    (drop (call $set-method (local.get $request) (i32.const 2) (i32.const 0) (i32.const 0)))
    (call $request-body (local.get $request) (i32.const 0x100))
    (local.set $body (i32.load (i32.const 0x104)))
    (call $body-write (local.get $body) (i32.const 0x100))
    (local.get $request) (local.get $body) (i32.load (i32.const 0x104)))

  ;; Writes one `write` record at an address: the key, then the value.
  (func $lay-write (param $to i32) (param $key i32) (param $key-length i32) (param $at i32) (param $length i32)
    (call $text (local.get $to) (local.get $key) (local.get $key-length))
    (i32.store8 offset=8 (local.get $to) (i32.const 1))
    (i32.store offset=12 (local.get $to) (local.get $at))
    (i32.store offset=16 (local.get $to) (local.get $length)))

  ;; Commits. Returns 0, or 1 and answers the error's case.
  (func $committed (param $writes i32) (result i32)
    (call $commit (i32.const 0x400) (local.get $writes) (i32.const 0x100))
    (if (i32.load8_u (i32.const 0x100))
      (then
        (call $say (i32.const 0x11e0) (i32.const 15))
        (call $say-number (i32.load8_u (i32.const 0x108)))
        (if (i32.eq (i32.load8_u (i32.const 0x108)) (i32.const 1))
          (then (call $say-number (i32.load8_u (i32.const 0x10c)))))))
    (i32.load8_u (i32.const 0x100)))

  (func $deeper (param $depth i32) (result i32)
    (i32.add (call $deeper (i32.add (local.get $depth) (i32.const 1))) (local.get $depth)))

  (func $store-many (param $count i32) (param $bytes i32)
    (local $at i32) (local $number i32)
    (local.set $at (call $letters (local.get $bytes)))
    (block $done
      (loop $next
        ;; The number is the key: four letters from "aaaa" on, the last one first.
        (i32.store (i32.const 0x500) (i32.const 0x61616161))
        (i32.store8 (i32.const 0x500) (i32.add (i32.const 97) (i32.rem_u (local.get $number) (i32.const 26))))
        (i32.store8 (i32.const 0x501)
          (i32.add (i32.const 97) (i32.rem_u (i32.div_u (local.get $number) (i32.const 26)) (i32.const 26))))
        (i32.store8 (i32.const 0x502)
          (i32.add (i32.const 97) (i32.rem_u (i32.div_u (local.get $number) (i32.const 676)) (i32.const 26))))
        (call $lay-write (i32.const 0x400) (i32.const 0x500) (i32.const 4) (local.get $at) (local.get $bytes))
        (br_if $done (call $committed (i32.const 1)))
        (local.set $number (i32.add (local.get $number) (i32.const 1)))
        (br_if $next (i32.ne (local.get $number) (local.get $count)))))
    (call $say-byte (i32.const 32))
    (call $say-number (local.get $number)))

  (func $hand-over (param $target i32) (param $bytes i32)
    (local $at i32) (local $fields i32) (local $request i32)
    (local.set $at (call $letters (local.get $bytes)))
    (if (i32.eq (local.get $target) (i32.const 0)) ;; a log line
      (then (call $log (i32.const 1) (local.get $at) (local.get $bytes) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $target) (i32.const 1)) ;; a key that is asked for
      (then (call $get (local.get $at) (local.get $bytes) (i32.const 0x100))
        (call $say-number (i32.load8_u (i32.const 0x108)))))
    (if (i32.eq (local.get $target) (i32.const 2)) ;; a key that is written
      (then (call $lay-write (i32.const 0x400) (local.get $at) (local.get $bytes) (local.get $at) (i32.const 1))
        (drop (call $committed (i32.const 1)))))
    (if (i32.eq (local.get $target) (i32.const 3)) ;; a value
      (then (call $lay-write (i32.const 0x400) (i32.const 0x1400) (i32.const 1) (local.get $at) (local.get $bytes))
        (drop (call $committed (i32.const 1)))))
    (if (i32.eq (local.get $target) (i32.const 4)) ;; a prefix
      (then
        (call $scan (local.get $at) (local.get $bytes) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000)
          (i32.const 0x100))
        (call $say-number (i32.load (i32.const 0x108)))))
    (if (i32.eq (local.get $target) (i32.const 5)) ;; an e-mail address
      (then (call $find-members (local.get $at) (local.get $bytes) (i32.const 0x100))
        (call $say-number (i32.load (i32.const 0x108)))))
    (if (i32.eq (local.get $target) (i32.const 6)) ;; a header's value
      (then
        (call $append (call $fields) (i32.const 0x1420) (i32.const 6) (local.get $at) (local.get $bytes)
          (i32.const 0x100))
        (call $say-number (i32.load8_u (i32.const 0x100)))))
    (if (i32.eq (local.get $target) (i32.const 7)) ;; a header's name
      (then
        (call $append (call $fields) (local.get $at) (local.get $bytes) (local.get $at) (i32.const 1)
          (i32.const 0x100))
        (call $say-number (i32.load8_u (i32.const 0x100)))))
    (local.set $request (call $addressed (call $fields)))
    (if (i32.eq (local.get $target) (i32.const 8)) ;; a path
      (then
        (i32.store8 (local.get $at) (i32.const 47))
        (call $say-number
          (call $set-path (local.get $request) (i32.const 1) (local.get $at) (local.get $bytes)))))
    (if (i32.eq (local.get $target) (i32.const 9)) ;; an authority
      (then (call $say-number
        (call $set-authority (local.get $request) (i32.const 1) (local.get $at) (local.get $bytes)))))
    (if (i32.eq (local.get $target) (i32.const 10)) ;; a method
      (then (call $say-number
        (call $set-method (local.get $request) (i32.const 9) (local.get $at) (local.get $bytes))))))

  (func $malformed-argument (param $number i32)
    (local $stream i32) (local $body i32)
    (call $with-body) (local.set $stream) (local.set $body) (drop)
    (if (i32.eq (local.get $number) (i32.const 1)) ;; an unknown level
      (then (call $log (i32.const 200) (i32.const 0x1400) (i32.const 1) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $number) (i32.const 2)) ;; a text beyond memory
      (then (call $log (i32.const 1) (i32.const 0xfffffff0) (i32.const 64) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $number) (i32.const 3)) ;; a text that is not UTF-8
      (then (call $log (i32.const 1) (i32.const 0x1440) (i32.const 3) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $number) (i32.const 4)) ;; a list with a false length
      (then (call $log (i32.const 1) (i32.const 0x1400) (i32.const 1) (i32.const 0x400) (i32.const 0x7fffffff))))
    (if (i32.eq (local.get $number) (i32.const 5)) ;; a text beyond memory within a list
      (then
        (call $text (i32.const 0x400) (i32.const 0xffff0000) (i32.const 16))
        (call $log (i32.const 1) (i32.const 0x1400) (i32.const 1) (i32.const 0x400) (i32.const 1))))
    (if (i32.eq (local.get $number) (i32.const 6)) ;; a commit with a false length
      (then (call $commit (i32.const 0x400) (i32.const 0x0fffffff) (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 7)) ;; an unknown precondition
      (then
        (call $lay-write (i32.const 0x400) (i32.const 0x1400) (i32.const 1) (i32.const 0x1400) (i32.const 1))
        (i32.store8 (i32.const 0x418) (i32.const 77))
        (drop (call $committed (i32.const 1)))))
    (if (i32.eq (local.get $number) (i32.const 8)) ;; a limit beyond the contract
      (then
        (call $scan (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)
          (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 9)) ;; neither some nor none
      (then
        (call $scan (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1)
          (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 10)) ;; an unknown method
      (then (drop (call $set-method (call $addressed (call $fields)) (i32.const 44) (i32.const 0) (i32.const 0)))))
    (if (i32.eq (local.get $number) (i32.const 11)) ;; nothing to wait for
      (then (call $poll (i32.const 0) (i32.const 0) (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 12)) ;; a list of handles with a false length
      (then (call $poll (i32.const 0) (i32.const 0x3fffffff) (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 13)) ;; more at once than a stream takes
      (then (call $stream-write (local.get $stream) (i32.const 0) (i32.const 0x20000) (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 14)) ;; more than the stream has room for
      (then
        (call $write (local.get $stream) (call $letters (i32.const 0x200000)) (i32.const 0x200000) (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 15)) ;; 2^64 zeros
      (then (call $zeroes (local.get $stream) (i64.const -1) (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 16)) ;; results beyond memory
      (then (call $get (i32.const 0x1400) (i32.const 1) (i32.const 0xfffffff0))))
    (if (i32.eq (local.get $number) (i32.const 17)) ;; misaligned results
      (then (call $get (i32.const 0x1400) (i32.const 1) (i32.const 0x101)))))

  ;; Returns the address of the answer.
  (func $malformed-answer (param $number i32) (result i32)
    (drop (call $reject))
    (if (i32.eq (local.get $number) (i32.const 1)) ;; neither ok nor err
      (then (i32.store8 (i32.const 0x200) (i32.const 7))))
    (if (i32.eq (local.get $number) (i32.const 2)) ;; an unknown demand
      (then (i32.store8 (i32.const 0x210) (i32.const 99))))
    (if (i32.eq (local.get $number) (i32.const 3)) ;; a text beyond memory
      (then (call $text (i32.const 0x220) (i32.const 0xfffffff0) (i32.const 100))))
    (if (i32.eq (local.get $number) (i32.const 4)) ;; a text that is not UTF-8
      (then (call $text (i32.const 0x220) (i32.const 0x1440) (i32.const 3))))
    (if (i32.eq (local.get $number) (i32.const 5)) ;; an answer beyond memory
      (then (return (i32.const 0xfffffff8))))
    (if (i32.eq (local.get $number) (i32.const 6)) ;; a misaligned answer
      (then (return (i32.const 0x201))))
    (if (i32.eq (local.get $number) (i32.const 7)) ;; a list with a false length
      (then
        (i32.store8 (i32.const 0x200) (i32.const 0))
        (memory.fill (i32.const 0x208) (i32.const 0) (i32.const 64))
        (call $text (i32.const 0x230) (i32.const 0x10000) (i32.const 0x10000000))))
    (if (i32.eq (local.get $number) (i32.const 8)) ;; an unknown cause of a pause
      (then
        (i32.store8 (i32.const 0x210) (i32.const 1))
        (i32.store8 (i32.const 0x218) (i32.const 99))))
    (if (i32.eq (local.get $number) (i32.const 9)) ;; 180,000 places without a name
      (then
        (i32.store8 (i32.const 0x200) (i32.const 0))
        (memory.fill (i32.const 0x208) (i32.const 0) (i32.const 64))
        (drop (memory.grow (i32.const 60)))
        (call $text (i32.const 0x230) (i32.const 0x20000) (i32.const 180000))))
    (if (i32.eq (local.get $number) (i32.const 10)) ;; a list of places that all have one long name
      (then
        (i32.store8 (i32.const 0x200) (i32.const 0))
        (memory.fill (i32.const 0x208) (i32.const 0) (i32.const 64))
        (drop (memory.grow (i32.const 60)))
        (call $one-name (i32.const 0x20000) (i32.const 1000))
        (call $text (i32.const 0x230) (i32.const 0x20000) (i32.const 1000))))
    (i32.const 0x200))

  ;; Places (20 bytes each) whose name is 50,000 bytes of memory.
  (func $one-name (param $at i32) (param $count i32)
    (loop $next
      (call $text (i32.add (local.get $at) (i32.const 8)) (i32.const 0x60000) (i32.const 50000))
      (local.set $at (i32.add (local.get $at) (i32.const 20)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count))))

  (func $foreign-handle (param $number i32)
    (local $fields i32) (local $request i32) (local $future i32)
    (local.set $fields (call $fields))
    (if (i32.eq (local.get $number) (i32.const 1)) ;; one that was never issued
      (then (drop (call $status (i32.const 4711)))))
    (if (i32.eq (local.get $number) (i32.const 2)) ;; one that was given away
      (then
        (drop (call $addressed (local.get $fields)))
        (call $append (local.get $fields) (i32.const 0x1420) (i32.const 6) (i32.const 0x1400) (i32.const 1)
          (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 3)) ;; one of another kind
      (then (drop (call $set-path (local.get $fields) (i32.const 1) (i32.const 0x1410) (i32.const 1)))))
    (if (i32.eq (local.get $number) (i32.const 4)) ;; one that was dropped
      (then (call $drop-fields (local.get $fields)) (call $drop-fields (local.get $fields))))
    (if (i32.eq (local.get $number) (i32.const 5)) ;; a response after its future was dropped
      (then
        (local.set $future (call $send (call $addressed (local.get $fields))))
        (call $drop-future (local.get $future))
        (call $response (local.get $future) (i32.const 0x100))))
    (if (i32.eq (local.get $number) (i32.const 6)) ;; a body that is dropped before its stream
      (then (call $with-body) (drop) (call $drop-body) (drop)))
    (if (i32.eq (local.get $number) (i32.const 7)) ;; a request that is sent twice
      (then
        (local.set $request (call $addressed (local.get $fields)))
        (drop (call $send (local.get $request)))
        (drop (call $send (local.get $request)))))
    (if (i32.eq (local.get $number) (i32.const 8)) ;; a future that is dropped before its pollable
      (then
        (local.set $future (call $send (call $addressed (local.get $fields))))
        (drop (call $subscribe (local.get $future)))
        (call $drop-future (local.get $future)))))

  (func $say-header (param $result i32)
    (if (i32.load8_u (local.get $result))
      (then (call $say-byte (i32.const 33)) (call $say-number (i32.load8_u offset=1 (local.get $result))))
      (else (call $say-byte (i32.const 46)))))

  (func $set-header
    (local $name i32) (local $name-length i32) (local $at i32) (local $length i32)
    (call $line) (local.set $name-length) (local.set $name)
    (call $line) (local.set $length) (local.set $at)
    (call $strange (local.get $name) (local.get $name-length))
    (call $strange (local.get $at) (local.get $length))
    (call $append (call $fields) (local.get $name) (local.get $name-length) (local.get $at) (local.get $length)
      (i32.const 0x100))
    (call $say-header (i32.const 0x100))
    (call $text (i32.const 0x400) (local.get $at) (local.get $length))
    (call $set (call $fields) (local.get $name) (local.get $name-length) (i32.const 0x400) (i32.const 1)
      (i32.const 0x100))
    (call $say-header (i32.const 0x100))
    (call $text (i32.const 0x400) (local.get $name) (local.get $name-length))
    (call $text (i32.const 0x408) (local.get $at) (local.get $length))
    (call $from-list (i32.const 0x400) (i32.const 1) (i32.const 0x100))
    ;; The error's case has a larger offset than in the results above.
    (i32.store8 (i32.const 0x101) (i32.load8_u (i32.const 0x104)))
    (call $say-header (i32.const 0x100)))

  ;; Replaces each \ by a line end and each | by a NUL.
  (func $strange (param $at i32) (param $length i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $length)))
        (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 92))
          (then (i32.store8 (local.get $at) (i32.const 13))
            (i32.store8 offset=1 (local.get $at) (i32.const 10))))
        (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 124))
          (then (i32.store8 (local.get $at) (i32.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $next))))

  (func $many-requests (param $order i32) (param $count i32)
    (local $future i32)
    (loop $next
      (local.set $future (call $send (call $addressed (call $fields))))
      (if (i32.eqz (local.get $future)) (then (return)))
      (if (i32.eq (local.get $order) (i32.const 106)) (then (call $drop-future (local.get $future))))
      (if (i32.eq (local.get $order) (i32.const 107))
        (then
          (global.set $message (i32.const 0x3000))
          (call $await (local.get $future))))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (if (i32.eq (local.get $order) (i32.const 105)) (then (call $await (local.get $future))))
    (if (i32.eq (local.get $order) (i32.const 106)) (then (call $say (i32.const 0x1400) (i32.const 1)))))

  (func $fill-bodies (param $count i32)
    (local $stream i32) (local $at i32)
    (local.set $at (call $letters (i32.const 0x100000)))
    (loop $next
      (call $with-body) (local.set $stream) (drop) (drop)
      (block $full
        (loop $more
          (call $check-write (local.get $stream) (i32.const 0x100))
          (br_if $full (i32.load8_u (i32.const 0x100)))
          (br_if $full (i32.eqz (i32.load (i32.const 0x108))))
          (call $write (local.get $stream) (local.get $at) (i32.load (i32.const 0x108)) (i32.const 0x100))
          (br $more)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (call $say (i32.const 0x1400) (i32.const 1)))

  (func $write-body
    (local $request i32) (local $body i32) (local $stream i32) (local $future i32)
    (call $with-body) (local.set $stream) (local.set $body) (local.set $request)
    (local.set $future (call $send (local.get $request)))
    (if (i32.eqz (local.get $future)) (then (return)))
    (loop $more
      (call $stream-write (local.get $stream) (i32.const 0x4000) (i32.const 4096) (i32.const 0x100))
      (br_if $more (i32.eqz (i32.load8_u (i32.const 0x100)))))
    (call $await (local.get $future)))

  (func $write-pieces (param $count i32) (param $bytes i32)
    (local $request i32) (local $body i32) (local $stream i32) (local $future i32) (local $at i32)
    (local.set $at (call $letters (local.get $bytes)))
    (call $with-body) (local.set $stream) (local.set $body) (local.set $request)
    (local.set $future (call $send (local.get $request)))
    (if (i32.eqz (local.get $future)) (then (return)))
    (block $refused
      (loop $more
        (call $stream-write (local.get $stream) (local.get $at) (local.get $bytes) (i32.const 0x100))
        (br_if $refused (i32.load8_u (i32.const 0x100)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $more (local.get $count))))
    (call $drop-stream (local.get $stream))
    (call $body-finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 0x100))
    (call $await (local.get $future)))

  (func $drop-responses (param $count i32)
    (local $future i32)
    (loop $next
      (local.set $future (call $send (call $addressed (call $fields))))
      (if (i32.eqz (local.get $future)) (then (return)))
      (global.set $message (i32.const 0x3000))
      (call $await (local.get $future))
      (if (i32.eqz (i32.load8_u (i32.const 0x110))) (then (call $drop-response (i32.load (i32.const 0x118)))))
      (call $drop-future (local.get $future))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count))))

  (func $open-long (param $count i32) (param $bytes i32)
    (local $request i32) (local $future i32) (local $at i32)
    (local.set $at (call $letters (local.get $bytes)))
    (i32.store8 (local.get $at) (i32.const 47))
    (loop $next
      (local.set $request (call $addressed (call $fields)))
      (drop (call $set-path (local.get $request) (i32.const 1) (local.get $at) (local.get $bytes)))
      (local.set $future (call $send (local.get $request)))
      (if (i32.eqz (local.get $future)) (then (return)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (call $await (local.get $future)))

  (func $keep-words (param $target i32) (param $count i32) (param $bytes i32)
    (local $at i32) (local $request i32) (local $refused i32)
    (local.set $at (call $letters (local.get $bytes)))
    (if (i32.eq (local.get $target) (i32.const 2)) (then (i32.store8 (local.get $at) (i32.const 47))))
    (loop $next
      (local.set $request (call $addressed (call $fields)))
      (if (i32.eq (local.get $target) (i32.const 0))
        (then (local.set $refused (i32.add (local.get $refused)
          (call $set-method (local.get $request) (i32.const 9) (local.get $at) (local.get $bytes))))))
      (if (i32.eq (local.get $target) (i32.const 1))
        (then (local.set $refused (i32.add (local.get $refused)
          (call $set-authority (local.get $request) (i32.const 1) (local.get $at) (local.get $bytes))))))
      (if (i32.eq (local.get $target) (i32.const 2))
        (then (local.set $refused (i32.add (local.get $refused)
          (call $set-path (local.get $request) (i32.const 1) (local.get $at) (local.get $bytes))))))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (call $say-number (local.get $refused)))

  (func $ask-other-origin (param $count i32)
    (local $request i32) (local $future i32)
    (loop $next
      (local.set $request (call $addressed (call $fields)))
      (drop (call $set-authority (local.get $request) (i32.const 1) (i32.const 0x1430) (i32.const 12)))
      (global.set $message (i32.const 0x3000))
      (local.set $future (call $send (local.get $request)))
      (call $await (local.get $future))
      (call $drop-future (local.get $future))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count))))

  (func $further (param $order i32) (result i32)
    (local $count i32) (local $at i32) (local $length i32) (local $key i32) (local $key-length i32)
    (local $request i32)
    (if (i32.eq (local.get $order) (i32.const 97)) ;; a
      (then (loop $forever (call $now (i32.const 0x100)) (br $forever))))
    (if (i32.eq (local.get $order) (i32.const 98)) ;; b
      (then
        (local.set $count (call $number))
        (loop $next
          (call $log (i32.const 1) (i32.const 0x1400) (i32.const 1) (i32.const 0) (i32.const 0))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br_if $next (local.get $count)))))
    (if (i32.eq (local.get $order) (i32.const 99)) (then (call $store-many (call $number) (call $number)))) ;; c
    (if (i32.eq (local.get $order) (i32.const 100)) (then (call $say-number (call $deeper (i32.const 1))))) ;; d
    (if (i32.eq (local.get $order) (i32.const 101)) ;; e
      (then
        (loop $more
          (br_if $more (i32.ne (table.grow $elements (ref.null func) (i32.const 1000)) (i32.const -1))))))
    (if (i32.eq (local.get $order) (i32.const 102)) (then (call $hand-over (call $number) (call $number)))) ;; f
    (if (i32.eq (local.get $order) (i32.const 103)) (then (call $malformed-argument (call $number)))) ;; g
    (if (i32.eq (local.get $order) (i32.const 104)) (then (return (call $malformed-answer (call $number))))) ;; h
    (if (i32.and (i32.ge_u (local.get $order) (i32.const 105)) (i32.le_u (local.get $order) (i32.const 107)))
      (then (call $many-requests (local.get $order) (call $number)))) ;; i j k
    (if (i32.eq (local.get $order) (i32.const 108)) ;; l
      (then
        (local.set $count (call $number))
        (loop $next
          (drop (call $fields))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br_if $next (local.get $count)))))
    (if (i32.eq (local.get $order) (i32.const 109)) (then (call $foreign-handle (call $number)))) ;; m
    (if (i32.eq (local.get $order) (i32.const 110)) ;; n
      (then
        (local.set $request (call $addressed (call $fields)))
        (call $line) (local.set $length) (local.set $at)
        (call $strange (local.get $at) (local.get $length))
        (if (local.get $length)
          (then (if (call $set-method (local.get $request) (i32.const 9) (local.get $at) (local.get $length))
            (then (call $say (i32.const 0x1400) (i32.const 1)) (return (i32.const 0))))))
        (call $line) (local.set $length) (local.set $at)
        (call $strange (local.get $at) (local.get $length))
        (if (local.get $length)
          (then (if (call $set-scheme (local.get $request) (i32.const 1) (i32.const 2) (local.get $at) (local.get $length))
            (then (call $say (i32.const 0x1400) (i32.const 1)) (return (i32.const 0))))))
        (call $await (call $send (local.get $request)))))
    (if (i32.eq (local.get $order) (i32.const 111)) ;; o
      (then
        (call $line) (local.set $length) (local.set $at)
        (call $get (local.get $at) (local.get $length) (i32.const 0x100))
        (if (i32.load8_u (i32.const 0x108))
          (then (call $say (i32.load (i32.const 0x118)) (i32.load (i32.const 0x11c)))))))
    (if (i32.eq (local.get $order) (i32.const 112)) ;; p
      (then
        (call $line) (local.set $key-length) (local.set $key)
        (call $strange (local.get $key) (local.get $key-length))
        (call $line) (local.set $length) (local.set $at)
        (call $lay-write (i32.const 0x400) (local.get $key) (local.get $key-length) (local.get $at) (local.get $length))
        (drop (call $committed (i32.const 1)))))
    (if (i32.eq (local.get $order) (i32.const 113)) ;; q
      (then
        (call $line) (local.set $length) (local.set $at)
        (call $scan (local.get $at) (local.get $length) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000)
          (i32.const 0x100))
        (local.set $at (i32.load (i32.const 0x104)))
        (local.set $count (i32.load (i32.const 0x108)))
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get $count)))
            (call $say (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
            (call $say-byte (i32.const 32))
            (local.set $at (i32.add (local.get $at) (i32.const 24)))
            (local.set $count (i32.sub (local.get $count) (i32.const 1)))
            (br $next)))))
    (if (i32.eq (local.get $order) (i32.const 114)) ;; r
      (then
        (local.set $length (call $number))
        (local.set $at (call $letters (local.get $length)))
        (drop (call $reject))
        (call $text (i32.const 0x220) (local.get $at) (local.get $length))
        (return (i32.const 0x200))))
    (if (i32.eq (local.get $order) (i32.const 115)) (then (call $set-header))) ;; s
    (if (i32.eq (local.get $order) (i32.const 116)) ;; t
      (then
        (local.set $at (call $headers (call $addressed (call $fields))))
        (call $append (local.get $at) (i32.const 0x10c0) (i32.const 13) (i32.const 0x1400) (i32.const 1)
          (i32.const 0x100))
        (call $say-header (i32.const 0x100))
        (call $append (local.get $at) (i32.const 0x1420) (i32.const 6) (i32.const 0x1400) (i32.const 1)
          (i32.const 0x100))
        (call $say-header (i32.const 0x100))))
    (if (i32.eq (local.get $order) (i32.const 117)) ;; u
      (then
        (call $with-body) (drop) (drop) (local.set $request)
        (call $await (call $send (local.get $request)))))
    (if (i32.eq (local.get $order) (i32.const 118)) ;; v
      (then
        (call $with-body) (call $drop-stream) (local.set $at) (local.set $request)
        (call $drop-body (local.get $at))
        (call $await (call $send (local.get $request)))))
    (if (i32.eq (local.get $order) (i32.const 119)) (then (call $write-body))) ;; w
    (if (i32.eq (local.get $order) (i32.const 120)) (then (call $fill-bodies (call $number)))) ;; x
    (if (i32.eq (local.get $order) (i32.const 121)) ;; y
      (then (call $keep-words (call $number) (call $number) (call $number))))
    (if (i32.eq (local.get $order) (i32.const 122)) ;; z
      (then
        (local.set $count (call $number))
        (loop $next
          (call $scan (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000)
            (i32.const 0x100))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br_if $next (local.get $count)))
        (call $say-number (i32.load (i32.const 0x108)))))
    (if (i32.eq (local.get $order) (i32.const 49)) ;; 1
      (then
        (local.set $count (call $number))
        (local.set $length (i32.mul (local.get $count) (i32.const 16)))
        (local.set $at (call $letters (local.get $length)))
        (memory.fill (local.get $at) (i32.const 0) (local.get $length))
        (call $log (i32.const 1) (i32.const 0) (i32.const 0) (local.get $at) (local.get $count))))
    (if (i32.eq (local.get $order) (i32.const 50)) ;; 2
      (then
        (call $line) (local.set $length) (local.set $at)
        (call $get (local.get $at) (local.get $length) (i32.const 0x100))
        (call $find-members (local.get $at) (local.get $length) (i32.const 0x100))
        (call $say (local.get $at) (local.get $length))))
    (if (i32.eq (local.get $order) (i32.const 51)) (then (call $ask-other-origin (call $number)))) ;; 3
    (if (i32.eq (local.get $order) (i32.const 52)) ;; 4
      (then
        (call $line) (local.set $length) (local.set $at)
        (local.set $count (i32.div_u (local.get $length) (i32.const 2)))
        (call $log (i32.const 1) (local.get $at) (local.get $count) (i32.const 0) (i32.const 0))
        (call $log (i32.const 1) (i32.add (local.get $at) (local.get $count))
          (i32.sub (local.get $length) (local.get $count)) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $order) (i32.const 53)) ;; 5
      (then
        (call $line) (local.set $length) (local.set $at)
        (call $lay-write (i32.const 0x400) (local.get $at) (local.get $length) (i32.const 0x1400) (i32.const 1))
        (call $lay-write (i32.const 0x428) (local.get $at) (local.get $length) (i32.const 0x1400) (i32.const 1))
        (drop (call $committed (i32.const 2)))))
    (if (i32.eq (local.get $order) (i32.const 54)) (then (call $write-pieces (call $number) (call $number)))) ;; 6
    (if (i32.eq (local.get $order) (i32.const 55)) (then (call $drop-responses (call $number)))) ;; 7
    (if (i32.eq (local.get $order) (i32.const 56)) (then (call $open-long (call $number) (call $number)))) ;; 8
    (i32.const 0))
