/*
 * Growth (shm/table_grow.c): a new directory is filled where nobody looks,
 * changes meanwhile go there first and then to the one in use, and the root
 * moves everybody; the old memory is used again at once.  Two places for a
 * directory of one entry; the writer may die at any statement.
 *
 * MUT 1: the reader does not look at the root again
 * MUT 2: the root moves before the directory is filled
 * MUT 3: changes while it grows go to the directory in use only
 */
#ifndef MUT
#define MUT 0
#endif
#define VERSIONS 3
#define GROWTHS  2

byte root;                       /* low bit: the directory in use */
byte seq[2];                     /* of its entry */
byte first[4], second[4];        /* [directory * 2 + copy] */
byte published, deaths;

inline may_die() { if :: deaths < 1 -> deaths++; goto successor :: skip fi }

/* Fill the spare copy of directory d's entry with v. */
inline fill(d, v)
{
	at = d * 2 + ((seq[d] + 1) & 1);
	may_die();
	first[at] = v;
	may_die();
	second[at] = v;
	may_die()
}

active proctype writer()
{
	byte v, now, next, at;
successor:
	now = root & 1;
	next = 0;
	at = 0;
	v = first[now * 2 + (seq[now] & 1)];
	do
	:: v < VERSIONS ->               /* a change */
		fill(now, v + 1);
		v++;
		atomic { seq[now] = seq[now] + 1; published = v }
		may_die()
	:: root < GROWTHS ->
		next = 1 - now;
#if MUT == 2
		root = root + 1;
		may_die();
#endif
		seq[next] = 0;
		fill(next, v);
		seq[next] = 1;
		may_die();
		if
		:: v < VERSIONS ->       /* a change while it grows */
#if MUT != 3
			fill(next, v + 1);
			seq[next] = 2;
#endif
			fill(now, v + 1);
			v++;
			atomic { seq[now] = seq[now] + 1; published = v }
			may_die()
		:: true
		fi;
#if MUT != 2
		root = root + 1;
#endif
		now = next;
		may_die()
	:: v == VERSIONS && root == GROWTHS -> break
	od
}

proctype reader()
{
	byte r, d, q, a, b, tries, last, least, looks;

	do
	:: looks < 2 ->
		looks++;
		tries = 0;
		least = published;
again:
		r = root;
		d = r & 1;
		q = seq[d];
		a = first[d * 2 + (q & 1)];
		b = second[d * 2 + (q & 1)];
		if
		:: seq[d] != q ->
			tries++;
			assert(tries <= 12);
			goto again
		:: else
		fi;
#if MUT != 1
		if
		:: root != r ->
			tries++;
			assert(tries <= 12);
			goto again
		:: else
		fi;
#endif
		assert(a == b);
		assert(a >= last && a >= least);
		last = a
	:: else -> break
	od
}

init { run reader() }
