// Setting up a fleet (redlock init): the nodes learn what all their users must agree with, and nodes that no client has
// used yet leave their quarantine at once. The only file pair that knows the transitions:
//
//   inspecting --> recording --> inspecting --> trusting --> inspecting --> ended
//     |   ^  |                     |   ^
//     |   |  +-- a quarantine must be waited out: waiting --+
//     |   |
//     +-- reconfigure: holding --> naming --> watching --> recording (as above)
//
// inspecting: all nodes are asked what they are. Each of them must answer and be fit, or nothing is changed. What comes
//   next follows from the answers alone, so that the whole can be repeated after any change.
// recording: node after node, in the order of their run_ids, which all clients share (protocol 11.2): of two clients
//   with different records the first common node takes that of one. The other client takes back what it has written.
// trusting: only if no inspection of this run has found a used node (protocol 11.3). Otherwise somebody may hold a lock
//   that these nodes have forgotten.
// holding, naming, watching: a record may change only if no lock is held under the old one (protocol 11.5). The nodes
//   grant nothing for the old guard (holds end by themselves, should this process die); locks that are held are renewed
//   as ever. A lock that was used before the hold has ended by then, unless it was renewed, and then the node says so.
//   Each node notes a use at most once a second, so that second is waited for, too.
//
// Inputs: on_reply, tick, give_up. After each, take_requests() and deadline().
#pragma once

#include "core/conversation.hh"

#include <string>
#include <utility>
#include <vector>

namespace redlock::core {

enum class SetupEnding {
    none,
    done,        // all nodes know the record and may vote
    already,     // that was so before
    unanswered,  // a node did not answer, or is not fit to be one; see answers()
    twice,       // one server is listed twice
    differs,     // a node has a different record; see answers()
    held,        // reconfigure: a lock is held, or was renewed meanwhile; see lock() and holder()
    on_hold,     // reconfigure: another one is at work, or was killed at work
    later,       // it would have to be waited for: see left()
    unsettled,   // the nodes restart again and again, or lose what was written
    interrupted, // give_up()
};

// All nodes that said anything are in quarantine, no client has used them since it began, and none names a holder: what
// a new fleet says to its first acquire.
bool looks_new(const Answers &answers);

class Setup : public Conversation {
  public:
    struct Plan {
        std::size_t nodes = 0;
        Agreement agreement;
        std::string record;       // `agreement` in the marker's words; empty: end the quarantine and no more
        bool reconfigure = false; // a different record is replaced
        bool wait = true;         // false: end as `later` where something would have to be waited for
        Duration node_timeout{};
        double drift = 0;
        std::string id; // names our hold; fresh
    };
    Setup(Instant now, Plan plan);

    // Takes back what is half done. Ended at once, or when the nodes have answered, at most a node timeout later.
    void give_up(Instant now);

    void on_reply(Instant now, const Reply &reply) override;
    void tick(Instant now) override;
    [[nodiscard]] std::optional<Instant> deadline() const override;

    [[nodiscard]] bool ended() const { return step_ == Step::ended; }
    [[nodiscard]] SetupEnding ending() const { return ending_; }
    // What each node said last, to `inspect` or to what failed.
    [[nodiscard]] const Answers &answers() const { return seen_; }
    // How long it must still be waited, as far as is known; zero: it is not waited for anything.
    [[nodiscard]] Duration left(Instant now) const {
        const bool known = step_ == Step::waiting || ending_ == SetupEnding::later;
        return known ? std::max(wait_until_ - now, Duration{}) : Duration{};
    }
    // What is waited for: the end of all locks under the old record, or that of a quarantine or a provisional record.
    [[nodiscard]] bool reconfiguring() const { return changing_; }
    // All nodes have the record, and this run has written it, or has ended a quarantine.
    [[nodiscard]] bool changed() const { return recorded_; }
    // All nodes have the record: written by this run, or before.
    [[nodiscard]] bool on_record() const { return on_record_; }
    // held: the key, and its holder's token; each empty if it is not known.
    [[nodiscard]] const std::string &lock() const { return lock_; }
    [[nodiscard]] const std::string &holder() const { return holder_; }
    // Something may have been left behind on these nodes, which did not answer when it was taken back.
    [[nodiscard]] const std::vector<NodeIndex> &left_behind() const { return left_behind_; }

  private:
    enum class Step { inspecting, recording, trusting, waiting, holding, naming, taking_back, giving_free, ended };

    void begin(Instant now, Step step, Verb verb, const std::vector<NodeIndex> &nodes);
    void inspect(Instant now);
    void wait_for(Instant now, Duration left);
    void note_uses();
    void decide(Instant now);
    void look_at_records(Instant now);
    void look_at_quarantine(Instant now);
    void watch(Instant now);
    void start_recording(Instant now);
    void record_next(Instant now);
    void recorded(Instant now);
    void trusted(Instant now);
    void hold_next(Instant now);
    void on_hold(Instant now);
    void name_next(Instant now);
    void named(Instant now);
    void again(Instant now);
    void take_back(Instant now, SetupEnding ending);
    void give_free(Instant now);
    void end(SetupEnding ending);
    [[nodiscard]] std::vector<NodeIndex> in_order() const;
    [[nodiscard]] Duration quarantine_of(NodeIndex node) const;
    [[nodiscard]] bool must_hold(const Agreement &old) const;

    Plan plan_;
    Step step_ = Step::inspecting;
    SetupEnding ending_ = SetupEnding::none;
    Serial next_serial_ = 1;
    std::vector<Serial> awaited_; // per node; 0: nothing
    Answers said_;                // to the present step
    Answers seen_;
    bool used_ = false; // by some client, as far as this run has seen: no quarantine is cut short any more
    std::vector<std::pair<std::string, std::optional<NodeTime>>> runs_; // per node: run_id and joined, as seen last
    Instant deadline_{};
    Instant again_at_{}; // waiting: the next look
    Instant wait_until_ = distant_past;

    std::vector<NodeIndex> order_; // whose turn it is: recording, holding
    std::size_t turn_ = 0;
    std::vector<NodeIndex> written_; // nodes that may have our record since this recording
    std::vector<NodeState> before_;  // per node, when the recording or the hold began
    std::vector<NodeIndex> held_;    // nodes that may have our hold
    std::vector<std::string> keys_;  // of locks that may be held
    bool changing_ = false;          // a hold is needed
    bool holding_ = false;           // all of them have it
    Duration hold_for_{};            // until no lock of before is left
    Instant hold_ends_{};

    SetupEnding after_ = SetupEnding::none; // what comes after taking back; none: from the beginning
    bool changed_ = false;                  // something was written, or waited for
    bool recorded_ = false, on_record_ = false;
    int restarts_ = 0;
    std::optional<Instant> lapse_limit_;      // a provisional record should have lapsed by then
    std::optional<Instant> unanswered_since_; // while waiting
    std::string lock_, holder_;
    std::vector<NodeIndex> left_behind_;
};

} // namespace redlock::core
