/* Fences: no two grants of a lock have the same one, and a later grant has the larger one. Checked by check.py.

   What is modelled (protocol 4.3, protocol 6.4 and protocol 8.1): two clients, each with as many attempts as it likes,
   and N nodes. A request reaches its node at any moment, late, twice or never; an answer is heard or lost. At a grant
   the node increments its fence; who asks again with the same token hears the fence of this node as it is. F is the
   largest fence among all grants heard so far, early and late ones. A node counts when F was recorded there while the
   lock was ours: it granted with exactly F, or confirmed. It confirms when the key is still ours and its fence is not
   above F, and then has F. The lock is won when QUORUM nodes granted it and QUORUM nodes count.

   There is no clock: a node may drop a key at any moment. "Later" then means that the attempt began after the other one
   was won. With IN_TIME a grant counts only as long as its key is there, which is what a lease in time amounts to
   (exclusion.pml with KEYS_OUTLIVE_LEASES). Then fences grow in the very order in which the lock is won.

   A node's fence may also grow by itself, at any moment, by any amount. This stands for whatever else raises it: a
   proposal or floor above fence + 1, releases and extends that carry F, other clients, requests of attempts long over.
   Fences end at TOP, so that there is an end: up to TOP grants, and any number of attempts.

   Left out: the lease's length (exclusion.pml), waiting, and the keys of attempts that are over. Those go at once,
   whether released, abandoned or ended: one that stayed would only refuse, and a refusal is the same as a request that
   is lost.

   Assumption: no node forgets. Dropped, or a bug sown, one at a time:

     NODE_FORGETS=K             K times, a node loses its key and its fence; fewer than 2 * Q - N change nothing
     CONFIRM_SKIPPED            the largest fence is taken without looking how many nodes have it
     CONFIRM_WITHOUT_OWNERSHIP  a node confirms although the key is not ours any more
     CONFIRM_AT_LEAST           a node confirms although its fence is above F. It may be above F because others had the
                                lock there in between, and our own grant after them was never heard
     MAJORITY_OF_WON            more than half of the grants suffice, instead of Q of N. That is the same for 3 nodes
                                (of 2 or 3 grants it is 2), so it takes 4: two clients, two nodes each
     LATE_GRANT_IGNORED         with IN_TIME: F stays as it was when QUORUM nodes had granted, although later grants
                                count for the lease
     QUORUM_MINUS_ONE           what it says */

#ifndef N
#define N 3
#endif
#ifndef Q
#define Q (N / 2 + 1)
#endif
#ifndef TOP
#define TOP 3
#endif
#ifdef QUORUM_MINUS_ONE
#define QUORUM (Q - 1)
#else
#define QUORUM Q
#endif

#define NOBODY 2
#define ME _pid
#define BIT(i) (1 << (i))
#define TOLD(format) printf(format, ME, node, fence[node])
#define COUNT(set) (((set) & 1) + (((set) >> 1) & 1) + (((set) >> 2) & 1) + (((set) >> 3) & 1))

#ifdef CONFIRM_SKIPPED
#define RECORDED true
#elif defined(MAJORITY_OF_WON)
#define RECORDED (COUNT(recorded) > COUNT(granted[ME]) / 2)
#else
#define RECORDED (COUNT(recorded) >= QUORUM)
#endif

/* The nodes. */
byte owner[N] = NOBODY;
byte fence[N];
#ifdef NODE_FORGETS
byte losses;
#endif

/* The clients: the nodes whose grant was heard, and counts. */
byte granted[2];

/* What the checks need to know: the fences that were given out, and the largest. */
byte issued;
byte newest;

/* For use within one step, and 0 between two. */
byte node;

inline any_node() {
  if
  :: node = 0
  :: node = 1
  :: node = 2
#if N > 3
  :: node = 3
#endif
  fi
}

inline key_goes() {
  owner[node] = NOBODY;
#ifdef IN_TIME
  granted[0] = granted[0] & ~BIT(node);
  granted[1] = granted[1] & ~BIT(node)
#endif
}

inline begin() {
  for (node : 0 .. N - 1) {
    if :: owner[node] == ME -> owner[node] = NOBODY :: else fi
  }
  node = 0;
  granted[ME] = 0;
  F = 0;
  recorded = 0;
#ifdef LATE_GRANT_IGNORED
  decided = false;
#endif
#ifndef IN_TIME
  newest_before = newest
#endif
}

active [2] proctype client() {
  byte F;
  byte recorded; /* the nodes that had exactly F while the key was ours */
#ifndef IN_TIME
  byte newest_before;
#endif
#ifdef LATE_GRANT_IGNORED
  bool decided;
#endif

  do
  /* Acquire, at one node. */
  :: atomic {
       any_node();
       if
       :: owner[node] == NOBODY && fence[node] < TOP ->
          fence[node]++;
          owner[node] = ME;
          TOLD("client %d: granted by node %d, fence %d\n")
       :: owner[node] == ME -> TOLD("client %d: granted again by node %d, fence %d\n")
       :: else -> goto answered
       fi;
       if
       :: granted[ME] = granted[ME] | BIT(node);
          if
#ifdef LATE_GRANT_IGNORED
          :: decided && fence[node] != F
#endif
          :: fence[node] == F -> recorded = recorded | BIT(node)
          :: else ->
             if :: fence[node] > F -> F = fence[node]; recorded = BIT(node) :: else fi
          fi;
#ifdef LATE_GRANT_IGNORED
          decided = decided || COUNT(granted[ME]) >= QUORUM
#endif
       :: printf("  (and does not hear it)\n")
       fi;
answered:
       node = 0
     }

  /* Confirm, at one node. */
  :: atomic {
       COUNT(granted[ME]) >= QUORUM ->
       any_node();
       if
#ifndef CONFIRM_WITHOUT_OWNERSHIP
       :: owner[node] != ME
#endif
#ifndef CONFIRM_AT_LEAST
       :: fence[node] > F
#endif
       :: else ->
          if :: fence[node] < F -> fence[node] = F :: else fi;
          TOLD("client %d: confirmed by node %d, fence %d\n");
          if
          :: recorded = recorded | BIT(node)
          :: printf("  (and does not hear it)\n")
          fi
       fi;
       node = 0
     }

  /* Won. What follows, up to the release, no longer matters to fences. */
  :: d_step {
       COUNT(granted[ME]) >= QUORUM && RECORDED ->
       printf("client %d has won with fence %d\n", ME, F);
       assert(!(issued & BIT(F))); /* unique */
#ifdef IN_TIME
       assert(F > newest); /* in order */
#else
       assert(F > newest_before); /* in order */
#endif
       issued = issued | BIT(F);
       if :: F > newest -> newest = F :: else fi;
       begin()
     }

  /* Abandoned. */
  :: d_step { printf("client %d abandons\n", ME); begin() }
  od
}

active proctype nodes() {
  do
  /* A key ends. */
  :: atomic { any_node(); key_goes(); printf("node %d: the key ends\n", node); node = 0 }

  /* A fence grows. */
  :: atomic {
       any_node();
       if :: fence[node] < TOP -> fence[node]++ :: else fi;
       printf("node %d: the fence grows to %d\n", node, fence[node]);
       node = 0
     }

#ifdef NODE_FORGETS
  :: atomic {
       losses < NODE_FORGETS ->
       losses++;
       any_node();
       key_goes();
       fence[node] = 0;
       printf("node %d forgets\n", node);
       node = 0
     }
#endif
  od
}
