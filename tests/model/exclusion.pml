/* Mutual exclusion: no two clients rely on a valid lease at the same time. Checked by check.py.

   What is modelled, with renewal (protocol 4.3, protocol 5.2, protocol 8.1): two clients, each with as many attempts
   as it likes, and N nodes. A round asks all nodes at one moment; each request reaches its node at any later time,
   twice or never, each answer comes at any later time or never. A lease is a vector with one expiry per node, counted
   from before the round was sent; a round may be sent again, before the lock is won (to the nodes that are missing)
   and after (renewal, which prolongs a key that is still ours, and sets one with SET_ANEW only). The lease is valid
   while QUORUM of the expiries are ahead. When it is not, what the client runs is dead, and the attempt is over for
   ever.

   Time is a tick that counts everything down at the same moment; nothing knows a date, so that there are few states.
   A tick may come at any time: clients, nodes and network may be as slow as they like.

   Assumptions: the lease ends in time (a client stops relying in the tick in which the lease ends), clocks count at the
   same rate, but a node's key may end up to SLACK before its TTL, and no node forgets. Dropped, one at a time:

     EXPIRY_EARLY      a node's key ends one tick earlier than that
     NODE_FORGETS=K    K times, a node loses its keys; with as many as 2 * Q - N, two clients can rely on a lease
     RESTART_GUARD     (with the former) a node that has forgotten grants nothing for a TTL: the lock holds again
     SET_ANEW          a renewal that finds no key sets it again; what it says counts from the next one on
     QUARANTINE_RENEWS (with both) also where the node has forgotten and a TTL is not over yet
     NO_SLACK          the lease is as long as the key
     V_AT_REPLY        the lease is counted from the answer
     QUORUM_MINUS_ONE  what it says

   With KEYS_OUTLIVE_LEASES it is also checked node by node: no key ends while its owner's lease counts on it.

   Left out: fences (fence.pml), waiting, and drift, of which the slack is the coarser kind. A key whose attempt is over
   goes at once, whether it was released, abandoned or has ended: one that stayed would only refuse, and a refusal is
   the same as a request that is lost. For the same reason no request of an earlier attempt is modelled: its token is
   nobody's any more, so it can neither prolong nor delete a key of a later one. */

#ifndef N
#define N 3
#endif
#ifndef Q
#define Q (N / 2 + 1)
#endif
#ifndef TTL
#define TTL 4
#endif
#ifndef SLACK
#define SLACK 1
#endif

#ifdef NO_SLACK
#define LEASE TTL
#else
#define LEASE (TTL - SLACK)
#endif
#ifdef EXPIRY_EARLY
#define MAY_END (SLACK + 1)
#else
#define MAY_END SLACK
#endif
#ifdef QUORUM_MINUS_ONE
#define QUORUM (Q - 1)
#else
#define QUORUM Q
#endif

#define NOBODY 2
#define ME _pid
#define OTHER (1 - _pid)
#define AT(who, node) ((who) * N + (node))

/* The nodes. */
byte owner[N] = NOBODY;
byte left[N]; /* until the TTL of the key is over */
#ifdef NODE_FORGETS
byte losses;
#endif
#ifdef RESTART_GUARD
byte quarantine[N];
#endif

/* The clients: what a grant of the latest round is worth, which nodes have granted in it (the answer is on its way),
   and how far ahead each node's expiry is. */
byte worth[2];
bool answers[2 * N];
byte expiry[2 * N];
bool relies[2];

/* For use within one step, and 0 between two. */
byte node;
byte valid;

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

inline count_valid(who) {
  valid = 0;
  for (node : 0 .. N - 1) { valid = valid + (expiry[AT(who, node)] > 0) }
  node = 0
}

inline key_goes() {
  owner[node] = NOBODY;
  left[node] = 0
}

inline over(who) {
  relies[who] = false;
  worth[who] = 0;
  for (node : 0 .. N - 1) {
    answers[AT(who, node)] = false;
    expiry[AT(who, node)] = 0;
    if :: owner[node] == who -> key_goes() :: else fi
  }
  node = 0
}

inline end_if_invalid(who) {
  count_valid(who);
  if :: relies[who] && valid < QUORUM -> over(who) :: else fi;
  valid = 0
}

inline count_down(what) {
  if :: what > 0 -> what-- :: else fi
}

active [2] proctype client() {
  do
  /* A round is sent. Answers to the one before that are still under way do not count. */
  :: d_step {
       printf("client %d sends a round\n", ME);
       worth[ME] = LEASE;
       for (node : 0 .. N - 1) { answers[AT(ME, node)] = false }
       node = 0
     }

  /* A request reaches its node: the key is set, or the TTL of our own is raised. */
  :: atomic {
       any_node();
       if
       :: owner[node] == OTHER
       :: owner[node] == NOBODY && relies[ME] ->
#ifdef SET_ANEW
          owner[node] = ME;
          left[node] = TTL;
          printf("node %d sets the key anew for client %d\n", node, ME)
#else
          skip
#endif
#ifdef RESTART_GUARD
       :: owner[node] == NOBODY && !relies[ME] && quarantine[node] > 0
#ifndef QUARANTINE_RENEWS
       :: owner[node] == ME && quarantine[node] > 0 -> left[node] = TTL
#endif
#endif
       :: else -> owner[node] = ME; left[node] = TTL; answers[AT(ME, node)] = true;
          printf("node %d grants, or prolongs, for client %d\n", node, ME)
       fi;
       node = 0
     }

  /* Its answer arrives. */
  :: atomic {
       any_node();
       if
       :: answers[AT(ME, node)] ->
          printf("client %d hears node %d\n", ME, node);
          answers[AT(ME, node)] = false;
#ifdef V_AT_REPLY
          expiry[AT(ME, node)] = LEASE
#else
          if
          :: worth[ME] > expiry[AT(ME, node)] -> expiry[AT(ME, node)] = worth[ME]
          :: else
          fi
#endif
       :: else
       fi;
       node = 0
     }

  /* Won. */
  :: d_step {
       !relies[ME] ->
       count_valid(ME);
       if
       :: valid >= QUORUM ->
          printf("client %d has won\n", ME);
          assert(!relies[OTHER]); /* mutual exclusion */
          relies[ME] = true
       :: else
       fi;
       valid = 0
     }

  /* Released or abandoned; then the next attempt. */
  :: d_step { printf("client %d releases or abandons\n", ME); over(ME) }
  od
}

active proctype world() {
  do
  /* A key ends: not long before its TTL, and at any time after. */
  :: atomic {
       any_node();
       if
       :: left[node] <= MAY_END ->
#ifdef KEYS_OUTLIVE_LEASES
          assert(owner[node] == NOBODY || expiry[AT(owner[node], node)] == 0);
#endif
          key_goes();
          printf("node %d: the key ends\n", node)
       :: else
       fi;
       node = 0
     }

#ifdef NODE_FORGETS
  :: atomic {
       losses < NODE_FORGETS ->
       losses++;
       any_node();
       key_goes();
       printf("node %d forgets\n", node);
#ifdef RESTART_GUARD
       quarantine[node] = TTL;
#endif
       node = 0
     }
#endif

  /* Time goes by. */
  :: d_step {
       printf("a tick\n");
       for (node : 0 .. N - 1) {
         count_down(left[node]);
#ifdef RESTART_GUARD
         count_down(quarantine[node]);
#endif
         count_down(expiry[AT(0, node)]);
         count_down(expiry[AT(1, node)])
       }
       node = 0;
       count_down(worth[0]);
       count_down(worth[1]);
       end_if_invalid(0);
       end_if_invalid(1)
     }
  od
}
