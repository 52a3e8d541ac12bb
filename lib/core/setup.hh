// Setting up a fleet (redlock init): the nodes learn what all their users must agree with, and nodes that no client has
// used yet leave their quarantine at once. The only file pair that knows the transitions:
//
//   inspecting --a record is missing or different, or the hold is over--> recording ---> inspecting
//   inspecting --nodes are in quarantine, and none was ever used--------> trusting ----> inspecting
//   inspecting --reconfigure: locks may be held under the old record----> holding -----> waiting
//   inspecting --time must pass-----------------------------------------> waiting -----> inspecting
//   inspecting --nothing is to be done----------------------------------> ended
//
//   recording, holding, inspecting --a node is not as it was------------> taking back -> giving free -> inspecting
//   the same, trusting, waiting --a failure, or give_up()---------------> taking back -> giving free -> ended
//
// inspecting: all nodes are asked what they are. Each of them must answer and be fit, or nothing is changed
//   (protocol 11.1). The next step follows from the answers, so that all is repeated after each change (protocol 11.4).
// recording: node after node; see Recording. trusting: only if no client has used a node (protocol 11.3).
// holding: see Hold. While a hold is in force, each inspection looks for locks that were used.
// taking back, giving free: the nodes lose what they may have of ours, first the record, then the hold.
//
// Inputs: on_reply, tick, give_up. After each, take_requests() and deadline().
#pragma once

#include "core/conversation.hh"
#include "core/hold.hh"
#include "core/inspection.hh"
#include "core/patience.hh"
#include "core/questions.hh"
#include "core/recording.hh"

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
    using Plan = SetupPlan;
    Setup(Instant now, Plan plan);
    ~Setup() override = default;
    Setup(const Setup &) = delete;
    Setup &operator=(const Setup &) = delete;

    // Takes back what is half done. Ended at once, or when the nodes have answered, at most a node timeout later.
    void give_up(Instant now);

    void on_reply(Instant now, const Reply &reply) override;
    void tick(Instant now) override;
    [[nodiscard]] std::optional<Instant> deadline() const override;

    [[nodiscard]] bool ended() const { return step_ == Step::ended; }
    [[nodiscard]] SetupEnding ending() const { return ended() ? ending_ : SetupEnding::none; }
    // What each node said last, to `inspect` or to what failed.
    [[nodiscard]] const Answers &answers() const { return inspection_.seen(); }
    // How long it must still be waited, as far as is known; zero: it is not waited for anything.
    [[nodiscard]] Duration left(Instant now) const {
        const bool known = step_ == Step::waiting || ending() == SetupEnding::later;
        return known ? std::max(wait_until_ - now, Duration{}) : Duration{};
    }
    // What is waited for: the end of all locks under the old record, or that of a quarantine or a provisional record.
    [[nodiscard]] bool reconfiguring() const { return hold_.active(); }
    // All nodes have the record, and this run has written it, or has ended a quarantine.
    [[nodiscard]] bool changed() const { return recorded_; }
    // All nodes have the record: written by this run, or before.
    [[nodiscard]] bool on_record() const { return on_record_; }
    // held: the key, and its holder's token; each empty if it is not known.
    [[nodiscard]] const std::string &lock() const { return hold_.lock(); }
    [[nodiscard]] const std::string &holder() const { return hold_.holder(); }
    // Something may have been left behind on these nodes, which did not answer when it was taken back.
    [[nodiscard]] const std::vector<NodeIndex> &left_behind() const { return recording_.left_behind(); }

  private:
    enum class Step { inspecting, recording, trusting, waiting, holding, taking_back, giving_free, ended };

    void ask(Instant now, Step step, std::vector<Request> requests);
    void inspect(Instant now);
    void inspected(Instant now);
    void look_at_records(Instant now);
    void look_at_quarantine(Instant now);
    void start_recording(Instant now);
    void follow(Instant now, Recording::Verdict verdict);
    void follow(Instant now, Hold::Verdict verdict);
    void trusted(Instant now);
    void wait_for(Instant now, Duration left);
    void again(Instant now);
    void take_back(Instant now, SetupEnding ending);
    void end(SetupEnding ending);

    const Plan plan_;
    Step step_ = Step::inspecting;
    SetupEnding ending_ = SetupEnding::none; // taking back: how it will end; none: it begins anew
    Questions questions_;
    Inspection inspection_;
    Recording recording_;
    Hold hold_;
    Patience patience_;
    Instant again_at_{}; // waiting: the next look
    Instant wait_until_ = distant_past;
    bool changed_ = false; // something was written, or waited for
    bool recorded_ = false, on_record_ = false;
};

} // namespace redlock::core
