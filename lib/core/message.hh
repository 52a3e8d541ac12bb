// What passes between the core and the nodes: a Request for one node, a Reply from one node. Plain
// values; the wire (lib/redis) makes bytes of the one and the other of bytes. A node has four answers,
// not two, because status, doctor and every message need all four (protocol 15.1).
#pragma once

#include "util/time.hh"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace redlock::core {

// Position of a node in the configured list.
using NodeIndex = std::size_t;

// Names one request to one node for the life of a process; never reused. A reply carries the serial of
// its request, so that late, repeated and stray replies are told apart.
using Serial = std::uint64_t;

// A fencing token: grows with every grant of a name. 0: none.
using Fence = std::uint64_t;
// The nodes' scripts count in doubles.
inline constexpr Fence fence_limit = Fence{1} << 53;
// A node that draws a higher one is in error: confirmed on the other nodes, it would use up the name's numbers.
inline constexpr Fence highest_fence = fence_limit - (Fence{1} << 40);
// By so much a node's fence may be above our clock and above those of the other nodes: 35 years in microseconds.
inline constexpr Fence most_ahead = Fence{1} << 50;

// What a node's clock says, in microseconds since 1970. Two nodes' have nothing to do with each other.
using NodeTime = std::int64_t;

enum class Verb {
    acquire, // set the key to our token if it is free, and draw a fence
    confirm, // put the fence on record if the token is ours
    extend,  // raise the key's time to live if the token is ours
    release, // delete the key if the token is ours; the hand-over to who waits
    abandon, // the same without waking anybody: cleanup of an attempt that was not won
    status,  // who holds the key? Changes nothing
    inspect, // is this server fit to be a node, and since when?
    probe,   // does it execute for us all that the others need? `key` is random; it leaves nothing behind
    trust,   // end the quarantine, if nobody has used the node since it began
    record,  // write what all users of these locks must agree with, or take it back
    hold,    // for some time, let nobody begin: what all users must agree with is about to change
};

// The verb takes, keeps or gives back a lock with one token, and a quorum of answers is enough. The other verbs ask
// about each node.
constexpr bool is_about_token(Verb verb) {
    switch (verb) {
    case Verb::acquire:
    case Verb::confirm:
    case Verb::extend:
    case Verb::release:
    case Verb::abandon: return true;
    case Verb::status:
    case Verb::inspect:
    case Verb::probe:
    case Verb::trust:
    case Verb::record:
    case Verb::hold: return false;
    }
    return false;
}

// What all users of a key must have in common (protocol 10.1), and how long a node that may have forgotten its votes
// stays out: the longest time to live that they use.
struct Agreement {
    std::string prefix; // one agreement for each, so that different users can share the servers
    std::size_t nodes = 0;
    std::size_t quorum = 0;
    Duration guard{}; // 0: whatever a node has forgotten, it votes, and nobody asks what was agreed

    bool operator==(const Agreement &) const = default;
};

// What a node's marker must look like for a request to change it, and the change (trust, record, hold). Records are the
// marker's own text, which only lib/redis reads; empty: none.
struct MarkerChange {
    std::string run_id;       // of the server
    NodeTime joined = 0;      // trust
    std::string expected;     // record, hold: the record that is there
    std::string record;       // record: the new one
    bool provisional = false; // record: it lapses without use
    std::string hold;         // record, hold: names the hold; record: empty if there is none
    std::string used;         // record: NodeState::prefix_used as it was when the hold began
    Duration length{};        // hold; 0: end it
};

struct Request {
    Serial serial = 0;
    Verb verb = Verb::acquire;
    NodeIndex node = 0;
    std::string key;   // bytes, never text
    std::string token; // owner value
    Duration ttl{};    // acquire, extend
    // When the wire reports `silent`: `timeout` after the request was written, at `deadline` at the latest. A later
    // reply is handed over all the same.
    Instant deadline{};
    Duration timeout{};

    Fence fence = 0; // acquire: the proposal, our UTC in µs; confirm, extend, release: the one we hold; 0: not known
    NodeTime until = 0; // extend: before this a key that is gone is set again; 0: never
    Agreement agreement{};
    MarkerChange change{};
};

enum class Answer {
    granted, // acquire: the key is ours; confirm: on record; extend: prolonged; release, abandon: deleted; others: done
    refused, // the node's clear no; see Refusal
    error,   // the node, or the way to it, answered with an error; `text` says which
    silent,  // nothing came before the deadline: the outcome is unknown
};

enum class Refusal {
    held,     // acquire: somebody else's token, in `holder`; status: anybody's
    not_ours, // confirm, extend, release: somebody else's token
    absent,   // confirm, extend, release, status: no such key
    set_anew, // extend: there was none, now there is; see Possession for when it counts
    changed,  // trust, record, hold: the node is not as it was inspected
    used,     // trust: a lock was granted or prolonged there
    differs,  // record, hold: the node has a record that was not expected; see NodeState
    on_hold,  // hold: somebody else's is in force
};

// What kind of error, as far as it decides what the core does next.
enum class Trouble {
    passing,      // may be over in a moment: connection refused, LOADING, BUSY, OOM, ...
    quarantined,  // it may have forgotten a vote; over when Reply::quarantine is
    replica,      // it follows another server; over when it is promoted
    access,       // only a person can mend it: NOAUTH, WRONGPASS, NOPERM, ...
    unfit,        // this server must not be a node: a replica, one that evicts keys, ...
    absurd_fence, // its fence, in Reply::fence, is far above that of the other nodes
    disagrees,    // others use it with another number of nodes, quorum or guard time
};

// What a server tells of itself and of its marker.
struct NodeState {
    std::optional<NodeTime>
        joined; // since when it has forgotten nothing, by its own clock; nullopt: it must be no node
    std::optional<Agreement> terms; // what its users have agreed upon; nullopt: nothing yet; no nodes: not readable
    std::string unfit;              // why it must be no node, in the server's words

    std::string record;             // `terms` as the marker has them; empty: none
    std::optional<Duration> lapses; // no init wrote the record: it lapses in so long, unless it is used again
    bool used = false;              // some lock was granted or prolonged here
    std::string prefix_used;        // when that was last so of our prefix, in the marker's words; empty: never
    std::string lock;               // the key of the lock that it was
    std::string hold;               // names who lets nobody begin at present; empty: nobody does
    Duration hold_left{};           // how long still, at most
};

// What a server does not execute for us, in its words.
struct Probe {
    struct Failed {
        std::string command, error;
    };
    std::vector<Failed> failed;
    std::string barred; // the error with keys that begin with the prefix; empty: none, or there is no prefix
};

struct Reply {
    Serial serial = 0;
    Verb verb = Verb::acquire;
    NodeIndex node = 0;
    Answer answer = Answer::silent;

    Refusal refusal = Refusal::held;    // refused only
    std::string holder;                 // refused/held, not_ours: the token found; may be any bytes
    std::optional<Duration> holder_ttl; // refused/held: what is left; nullopt: the key never expires

    std::string text;                   // error, silent: what happened, safe to print, no secrets
    Trouble trouble = Trouble::passing; // error only

    // Just before the first byte of the request was written; nullopt: no byte of it left this process,
    // so the node cannot have acted on it.
    std::optional<Instant> sent;

    Fence fence = 0;                   // acquire, confirm: granted; status: held: what the node has on record
    std::optional<NodeTime> node_time; // acquire granted, extend (but for not_ours): when the node did it

    std::string run_id;              // acquire and extend granted, inspect: of the server; empty: the guard is off
    std::optional<Agreement> others; // acquire, extend: what others have agreed upon instead; no nodes: not readable
    // What is left of the node's quarantine, if it is in one. acquire: the reason of the error. extend: the key was
    // prolonged all the same (an error), or it was gone (refused: absent or set_anew).
    std::optional<Duration> quarantine;
    bool unused = false;  // acquire: in quarantine, and no client has used the node since it began
    bool on_hold = false; // acquire: no quarantine of its own, init --reconfigure lets nobody begin
    NodeState state;      // inspect; record and hold in part
    Probe probe;          // probe

    // Somebody else's token was found, and is in `holder`.
    [[nodiscard]] bool names_holder() const {
        return answer == Answer::refused && (refusal == Refusal::held || refusal == Refusal::not_ours);
    }
};

// One for each node; nullopt: nothing yet.
using Answers = std::vector<std::optional<Reply>>;

} // namespace redlock::core
