/*
 * shm/latch.h: a writer that may die at any statement, for good or to be
 * succeeded, and a reader (they write nothing: one stands for all).  It gets a
 * whole value, the one that the counter stands for, never older than what it
 * saw or what was published before it looked; it starts over only when
 * something was published.
 *
 * MUT 1: the reader does not look at the counter again
 * MUT 2: the writer fills the copy that is valid
 * MUT 3: an odd/even seqlock, whose successor counts on
 */
#ifndef MUT
#define MUT 0
#endif
#define VERSIONS 4
#define DEATHS   2

byte seq, first[2], second[2];   /* a value is two words */
byte published, deaths;
bool gone;                       /* nobody writes any more */

inline may_die() { if :: deaths < DEATHS -> deaths++; goto dead :: skip fi }

active proctype writer()
{
	byte v, copy;
successor:
#if MUT == 3
	v = seq >> 1;
#else
	v = seq;
#endif
	do
	:: v < VERSIONS ->
		v++;
		may_die();
#if MUT == 3
		copy = 0;
		seq = seq + 1;
		may_die();
#elif MUT == 2
		copy = (v + 1) & 1;
#else
		copy = v & 1;
#endif
		first[copy] = v;
		may_die();
		second[copy] = v;
		may_die();
#if MUT == 3
		atomic { seq = seq + 1; published = v }
#else
		atomic { seq = v; published = v }
#endif
		may_die()
	:: else -> break
	od;
	gone = true;
	goto end;
dead:
	v = 0;
	copy = 0;
	if
	:: goto successor
	:: gone = true
	fi;
end:
	skip
}

proctype reader()
{
	byte begun, a, b, tries, last, least, looks;

	do
	:: looks < 2 ->
		looks++;
		tries = 0;
		least = published;
again:
		begun = seq;
#if MUT == 3
		if
		:: begun & 1 ->
			assert(!gone);           /* else it waits for ever */
			goto again
		:: else
		fi;
		a = first[0];
		b = second[0];
#else
		a = first[begun & 1];
		b = second[begun & 1];
#endif
#if MUT != 1
		if
		:: seq != begun ->
			tries++;
			assert(tries <= VERSIONS);
			goto again
		:: else
		fi;
#endif
		assert(a == b);
		assert(a >= last && a >= least);
#if MUT != 3
		assert(a == begun);
#endif
		last = a
	:: else -> break
	od
}

init { run reader() }
