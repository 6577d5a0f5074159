/*
 * Blobs (shm/table_write.c, table_put()): an entry's latched words are a
 * version and where its blob is; a blob that was given up is written over at
 * once.  The writer may die at any statement; its successor takes for free
 * what the entry does not lead to.
 *
 * MUT 1: the reader does not look at the counter again
 * MUT 2: it does, but before it copies the blob
 * MUT 3: the writer writes over the blob that is in use
 */
#ifndef MUT
#define MUT 0
#endif
#define VERSIONS 4
#define DEATHS   2

byte seq, version[2], where[2];  /* the entry: counter, two copies */
byte first[2], second[2];        /* two blobs of two words */
byte published, deaths;

inline may_die() { if :: deaths < DEATHS -> deaths++; goto successor :: skip fi }

active proctype writer()
{
	byte v, blob, copy;
successor:
	v = seq;
	blob = 0;
	copy = 0;
	do
	:: v < VERSIONS ->
#if MUT == 3
		blob = where[v & 1];
#else
		blob = 1 - where[v & 1];
#endif
		v++;
		copy = v & 1;
		may_die();
		first[blob] = v;
		may_die();
		second[blob] = v;
		may_die();
		version[copy] = v;
		may_die();
		where[copy] = blob;
		may_die();
		atomic { seq = v; published = v }
		may_die()
	:: else -> break
	od
}

proctype reader()
{
	byte begun, v, blob, a, b, tries, last, least, looks;

	do
	:: looks < 2 ->
		looks++;
		tries = 0;
		least = published;
again:
		begun = seq;
		v = version[begun & 1];
		blob = where[begun & 1];
#if MUT == 2
		if
		:: seq != begun -> goto again
		:: else
		fi;
#endif
		a = first[blob];
		b = second[blob];
#if MUT != 1 && MUT != 2
		if
		:: seq != begun ->
			tries++;
			assert(tries <= VERSIONS);
			goto again
		:: else
		fi;
#endif
		assert(a == b && a == v);
		assert(v >= last && v >= least);
		last = v
	:: else -> break
	od
}

init { run reader() }
