// acquire, extend and release by hand: three programs, each with connections of its own, and a person (or a
// script) who works in between and stops in time. Compare with cmd/acquire.cc, extend.cc and release.cc.
#include "client.hh"

#include "core/lock.hh"
#include "simulation.hh"

#include <algorithm>
#include <functional>
#include <utility>

namespace redlock::sim {

using core::Phase;

namespace {

class HandClient : public Client {
  public:
    using Client::Client;

  private:
    enum class Stage { before, acquiring, dropping, having, extending, releasing };

    void act() override;
    void report() override;
    [[nodiscard]] std::optional<Instant> own_deadline() const override {
        return stage_ == Stage::having ? next_step() : std::nullopt;
    }
    [[nodiscard]] std::optional<Instant> must_run_at() const override { return validity_ - Duration{1000}; }

    void begin_cycle();
    void acquire();
    void won();
    void have();
    void sweep(core::Verb verb, Duration ttl);
    void extended();
    void work_until(Instant validity);
    void next_cycle();
    [[nodiscard]] std::optional<Instant> next_step() const {
        return earlier(extend_at_.empty() ? std::nullopt : std::optional(extend_at_.back()), release_at_);
    }

    Stage stage_ = Stage::before;
    std::optional<core::Lock> lock_;
    std::optional<core::Sweep> sweep_;
    std::string token_;
    Instant validity_ = distant_past;
    Moment work_ends_{};
    std::vector<Instant> extend_at_; // the latest first
    std::optional<Instant> release_at_;
    int cycle_ = 0;
};

void HandClient::begin_cycle() {
    lock_.emplace(common_terms());
    open(*lock_);
    stage_ = Stage::acquiring;
}

void HandClient::report() {
    if (!command_.alive() || now() >= validity_) return checker_.unclaim(index_);
    checker_.claim(index_, token_, moment_of(validity_), world_.now());
    simulation_.on_validity(index_, moment_of(validity_));
}

void HandClient::act() {
    for (Stage before = stage_;; before = stage_) {
        switch (stage_) {
        case Stage::before: begin_cycle(); break;
        case Stage::acquiring: acquire(); break;
        case Stage::dropping:
            if (lock_->phase() != Phase::ended) return;
            close();
            next_cycle();
            break;
        case Stage::having: have(); break;
        case Stage::extending:
            if (sweep_->done()) extended();
            break;
        case Stage::releasing:
            if (!sweep_->done()) return;
            close(token_); // of the acquire: this process has made none
            next_cycle();
            break;
        }
        if (over() || stage_ == before) return;
    }
}

void HandClient::acquire() {
    const bool signalled = !std::exchange(signals_, {}).empty();
    if (win(*lock_, signalled)) won();
}

void HandClient::won() {
    const Duration left = lock_->validity() - now();
    if (left <= Duration{}) {
        lock_->release(now());
        pump();
        stage_ = Stage::dropping;
        return;
    }
    token_ = lock_->token();
    const auto share = [&](double of) {
        return now() + Duration{static_cast<Duration::rep>(of * static_cast<double>(left.count()))};
    };
    for (const double when : {plan_.extend_again_at, plan_.extend_at})
        if (when >= 0) extend_at_.push_back(share(when));
    std::sort(extend_at_.begin(), extend_at_.end(), std::greater<>());
    if (plan_.release_at >= 0) release_at_ = share(plan_.release_at);
    work_ends_ = world_.now() + plan_.habits.work;
    const Instant validity = lock_->validity();
    close(token_);
    checker_.watch(token_);
    stage_ = Stage::having;
    work_until(validity);
}

// Works under the lease until the work is done, at its end at the latest.
void HandClient::work_until(Instant validity) {
    validity_ = std::max(validity_, validity);
    if (!command_.alive()) {
        validity_ = validity;
        command_.start(token_, plan_.habits);
    }
    command_.ends_at(std::min(work_ends_, moment_of(validity_) - Duration{1}));
}

void HandClient::have() {
    signals_.clear();
    const auto due = next_step();
    if (!due) return command_.alive() ? void() : end();
    if (*due > now()) return;
    if (!extend_at_.empty() && extend_at_.back() <= now()) {
        extend_at_.pop_back();
        sweep(core::Verb::extend, plan_.extend_ttl);
        stage_ = Stage::extending;
        return;
    }
    release_at_.reset();
    extend_at_.clear();
    if (command_.alive()) { // it stops first
        command_.ends_at(world_.now());
        release_at_ = now() + Duration{1000};
        return;
    }
    sweep(core::Verb::release, {});
    stage_ = Stage::releasing;
}

void HandClient::sweep(core::Verb verb, Duration ttl) {
    core::Sweep::Plan plan;
    plan.verb = verb;
    plan.key = scenario_key;
    plan.token = token_;
    plan.ttl = ttl;
    plan.agreement = {"", scenario_.nodes, scenario_.quorum, scenario_.guard};
    plan.ask.assign(scenario_.nodes, true);
    plan.await.assign(scenario_.nodes, true);
    plan.quorum = scenario_.quorum;
    plan.node_timeout = scenario_.node_timeout;
    plan.first = 1;
    sweep_.emplace(now(), std::move(plan));
    open(*sweep_);
    pump();
}

void HandClient::extended() {
    const core::ClockTrust trust{scenario_.drift, scenario_.slack};
    const Instant validity = core::validity_of(sweep_->answers(), scenario_.quorum, plan_.extend_ttl, trust);
    close(token_);
    stage_ = Stage::having;
    if (validity - now() <= Duration{}) {
        // "Lost", says redlock extend, unless the nodes could only not be reached.
        const bool unknown = sweep_->proven() == core::Outcome::pending;
        if (!unknown && command_.alive()) command_.ends_at(world_.now());
        return;
    }
    if (!command_.alive() && world_.now() >= work_ends_) return; // nobody relies on it
    // The machine may have slept over the end of the lease, and nobody has noticed yet.
    if (!command_.alive() || now() >= validity_) checker_.prolonged_late(index_, token_);
    work_until(validity);
}

void HandClient::next_cycle() {
    if (++cycle_ >= plan_.cycles) return end();
    validity_ = distant_past;
    begin_cycle();
}

} // namespace

std::unique_ptr<Client> make_hand_client(Simulation &simulation, std::size_t index) {
    return std::make_unique<HandClient>(simulation, index);
}

} // namespace redlock::sim
