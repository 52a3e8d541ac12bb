// redlock exec: compare with cmd/exec.cc and cmd/lock_run.cc, which it follows step by step.
#include "client.hh"

#include "core/lock.hh"
#include "process/supervisor.hh"
#include "simulation.hh"

#include <csignal>
#include <utility>

namespace redlock::sim {

using core::Phase;

namespace {

class ExecClient : public Client {
  public:
    using Client::Client;

  private:
    enum class Stage { before, acquiring, starting, spawning, supervising, releasing };

    void resume() override;
    void act() override;
    void report() override;
    [[nodiscard]] std::optional<Instant> own_deadline() const override {
        return supervisor_ ? supervisor_->deadline() : std::nullopt;
    }
    // Once the lease is lost there is no V any more: the command is being killed, and nothing may hold that up.
    [[nodiscard]] std::optional<Instant> must_run_at() const override {
        if (lock_->validity() == distant_past) return now();
        return lock_->validity() - scenario_.margin + scenario_.margin / 4;
    }

    void begin_cycle();
    void acquire();
    void start();
    void supervise();
    void release();

    Stage stage_ = Stage::before;
    std::optional<core::Lock> lock_;
    std::optional<process::Supervisor> supervisor_;
    int cycle_ = 0;
    bool lost_ = false;      // the supervisor has said so
    bool signalled_ = false; // asked to end while no command was there to have it
};

void ExecClient::begin_cycle() {
    supervisor_.emplace(process::Grace{scenario_.grace, scenario_.margin});
    core::Terms terms = common_terms();
    terms.needed = supervisor_->needed_validity();
    terms.renew = true;
    lock_.emplace(std::move(terms));
    open(*lock_);
    stage_ = Stage::acquiring;
}

void ExecClient::report() {
    if (stage_ == Stage::before) return;
    if (lock_->phase() != Phase::held) return checker_.unclaim(index_);
    const Moment validity = moment_of(lock_->validity());
    checker_.claim(index_, lock_->token(), validity, moment_of(now() + scenario_.grace + 2 * scenario_.margin));
    simulation_.on_validity(index_, validity);
}

// The process was busy with starting its command.
void ExecClient::resume() {
    // Here nothing has been read since the lock was won.
    if (stage_ == Stage::starting) start();
    if (stage_ != Stage::spawning || held_up()) return;
    supervisor_->started(now(), lock_->validity());
    stage_ = Stage::supervising;
}

void ExecClient::act() {
    for (Stage before = stage_;; before = stage_) {
        switch (stage_) {
        case Stage::before: begin_cycle(); break;
        case Stage::acquiring: acquire(); break;
        case Stage::starting:
            if (!held_up()) start();
            break;
        case Stage::spawning: break;
        case Stage::supervising: supervise(); break;
        case Stage::releasing: release(); break;
        }
        if (over() || stage_ == before) return;
    }
}

void ExecClient::acquire() {
    if (!std::exchange(signals_, {}).empty()) signalled_ = true;
    if (!win(*lock_, signalled_)) return;
    report();
    stage_ = Stage::starting;
    // A machine may fall asleep right here. Where it must keep its lease, it must not sleep through it.
    if (world_.random.chance(0.05) && !scenario_.first_survives) hold(world_.random.between(Duration{}, scenario_.ttl));
}

void ExecClient::start() {
    if (!std::exchange(signals_, {}).empty()) signalled_ = true;
    if (signalled_ || lock_->phase() != Phase::held) {
        lock_->release(now());
        pump();
        stage_ = Stage::releasing;
        return;
    }
    // A renewal is due then, and brings it forward again.
    if (lock_->validity() - now() < supervisor_->needed_validity()) return;
    command_.start(lock_->token(), plan_.habits);
    stage_ = Stage::spawning;
    if (world_.random.chance(0.2)) return hold(world_.random.between(Duration{}, scenario_.margin));
    resume();
}

void ExecClient::supervise() {
    if (!command_.alive()) supervisor_->ended(now());
    supervisor_->validity_is(now(), lock_->validity());
    const bool ended = supervisor_->state() == process::Supervisor::State::ended;
    for (const int signal : std::exchange(signals_, {})) {
        if (ended) signalled_ = true;
        else supervisor_->pass_on(signal);
    }
    for (const int signal : supervisor_->take_signals()) command_.signal(signal);
    if (supervisor_->lost() && !std::exchange(lost_, true)) {
        const Duration patience =
            (scenario_.ttl - scenario_.slack) / 12 + 3 * scenario_.node_timeout + Duration{milliseconds{100}};
        checker_.gave_up_lease(index_, simulation_.calm_since(), patience);
    }
    if (!ended) return;
    lock_->release(now());
    pump();
    stage_ = Stage::releasing;
}

void ExecClient::release() {
    if (lock_->phase() != Phase::ended) return;
    close();
    if (signalled_ || supervisor_->lost() || ++cycle_ >= plan_.cycles) return end();
    begin_cycle();
}

} // namespace

std::unique_ptr<Client> make_exec_client(Simulation &simulation, std::size_t index) {
    return std::make_unique<ExecClient>(simulation, index);
}

} // namespace redlock::sim
