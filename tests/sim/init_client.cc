// redlock init, run again after a pause as often as its plan says: compare with cmd/init.cc.
#include "client.hh"

#include "core/setup.hh"
#include "redis/agreement_text.hh"
#include "simulation.hh"

#include <utility>

namespace redlock::sim {

namespace {

class InitClient : public Client {
  public:
    using Client::Client;

  private:
    void act() override;
    void report() override {}
    [[nodiscard]] std::optional<Instant> own_deadline() const override { return next_at_; }

    void run();

    std::optional<core::Setup> setup_; // of the latest run
    std::optional<Instant> next_at_;   // between two runs
    int runs_ = 0;
};

void InitClient::run() {
    core::Setup::Plan plan;
    plan.nodes = scenario_.nodes;
    plan.agreement = {"", scenario_.nodes, scenario_.quorum, scenario_.guard};
    plan.record = redis::marker_text(plan.agreement);
    plan.wait = plan_.waits_for_quarantine;
    plan.node_timeout = scenario_.node_timeout;
    plan.drift = scenario_.drift;
    plan.id = text("init ", ++runs_);
    next_at_.reset();
    setup_.emplace(now(), std::move(plan));
    open(*setup_);
    pump();
}

void InitClient::act() {
    const bool signalled = !std::exchange(signals_, {}).empty();
    if (signalled && next_at_) return end();
    if (!setup_ || (next_at_ && now() >= *next_at_)) return run();
    if (next_at_) return;
    if (signalled) {
        setup_->give_up(now());
        pump();
    }
    if (!setup_->ended()) return;
    close();
    if (setup_->ending() == core::SetupEnding::interrupted || runs_ >= plan_.cycles) return end();
    next_at_ = now() + plan_.habits.work;
}

} // namespace

std::unique_ptr<Client> make_init_client(Simulation &simulation, std::size_t index) {
    return std::make_unique<InitClient>(simulation, index);
}

} // namespace redlock::sim
