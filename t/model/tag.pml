/*
 * The tags of a directory: a hint beside each entry, in a word of its own, that
 * readers look at first.  One entry, two keys which may be in it; the writer
 * may die at each store, and its successor goes on.
 *
 * MUT=0 correct
 *     1 the tag is written after its entry
 *     2 an entry that is used again keeps the tag of the key before
 *     3 recovery clears the tag of an entry while it is used
 */
#ifndef MUT
#define MUT 0
#endif
#define NOBODY 0
#define CHANGES 4
#define DEATHS 2

byte tag = 0;          /* 0: none; else the key's it is for */
byte seq = 0, key = 0; /* the entry: publishes; who has it, or NOBODY */
byte published[4];     /* is the key in the table?  Set with the publish */
byte began[4];         /* how often it was published or withdrawn */
byte deaths = 0;

inline die() { if :: deaths < DEATHS -> deaths++; goto dead :: skip fi }

active proctype Writer() {
  byte n, k;
again:
  do
  :: n < CHANGES && key == NOBODY ->
     n++;
     if :: k = 1 :: k = 2 fi;
#if MUT == 2
     if :: tag == 0 -> tag = k :: else fi;
#elif MUT != 1
     tag = k;
#endif
     die();
     atomic { seq++; key = k; published[k] = 1; began[k]++ }
     die();
#if MUT == 1
     tag = k; die()
#endif
  :: n < CHANGES && key != NOBODY ->
     n++;
     atomic { seq++; published[key] = 0; began[key]++; key = NOBODY }
     die()
  :: n == CHANGES -> break
  od;
  goto done;
dead:
  k = 0;
#if MUT == 3
  tag = 0;
#endif
  /* what an entry in use must have; nothing else is known of it */
  if :: key != NOBODY -> tag = key :: else fi;
  goto again;
done: skip
}

/* Looks a key up; absent or found, it was so at some time since it began. */
proctype Reader(byte k) {
  byte was, count, s, rounds;
  do
  :: rounds < 2 ->
     rounds++;
     atomic { was = published[k]; count = began[k] }
     if
     :: tag != k -> assert(!was || began[k] != count)
     :: else ->
retry:  s = seq;
        if
        :: s == 0 -> assert(!was || began[k] != count)
        :: else ->
           byte who = key;
           if :: seq != s -> goto retry :: else fi;
           if
           :: who == k -> assert(was || began[k] != count)
           :: else -> assert(!was || began[k] != count)
           fi
        fi
     fi
  :: else -> break
  od
}

init { atomic { run Reader(1); run Reader(2) } }
