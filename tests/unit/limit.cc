// Ends a test that does not end by itself, and says which one: a loop whose condition never comes true would otherwise
// take the time of the whole program with it and leave no name.
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <thread>

namespace redlock {
namespace {

constexpr std::chrono::seconds limit{900};

class Limit : public testing::EmptyTestEventListener {
    void OnTestStart(const testing::TestInfo &info) override {
        name_ = std::string(info.test_suite_name()) + "." + info.name();
        running_ = true;
        // No signal is for this thread: tests block theirs in the main one.
        sigset_t all, before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        watcher_ = std::thread([this] { watch(); });
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    void OnTestEnd(const testing::TestInfo &) override {
        {
            const std::lock_guard guard(mutex_);
            running_ = false;
        }
        ended_.notify_one();
        watcher_.join();
    }
    void watch() {
        std::unique_lock guard(mutex_);
        if (ended_.wait_for(guard, limit, [this] { return !running_; })) return;
        std::fprintf(stderr, "%s did not end within %lld s\n", name_.c_str(), static_cast<long long>(limit.count()));
        std::_Exit(3);
    }

    std::string name_;
    bool running_ = false;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::thread watcher_;
};

[[maybe_unused]] const bool limited = [] {
    testing::UnitTest::GetInstance()->listeners().Append(new Limit);
    return true;
}();

} // namespace
} // namespace redlock
