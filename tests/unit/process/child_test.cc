#include "process/child.hh"
#include "process/descendants.hh"

#include "util/error.hh"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

namespace redlock::process {
namespace {

// One per test program: the mask is the process's.
const event::Signals &signals() {
    static const event::Signals s;
    return s;
}

Status wait_for_end(Child &child) {
    for (int turn = 0; turn < 6000; ++turn) {
        if (const auto status = child.poll(); status && !status->stopped()) return *status;
        ::usleep(10'000);
    }
    ADD_FAILURE() << "the child did not end";
    return Status{};
}

Program shell(const std::string &line) { return {{"/bin/sh", "-c", line}, {}}; }

TEST(Child, GetsItsEnvironment) {
    Child child({{"/bin/sh", "-c", "test \"$EARLY,$LATE,$HOME\" = 'a b,c=d,/new' || exit 9"},
                 {"EARLY=a b", "LATE=c=d", "HOME=/new"}},
                signals(), -1);
    EXPECT_EQ(wait_for_end(child).exit_code(), 0);
}

TEST(Child, ReportsThatACommandCannotBeExecuted) {
    Child missing({{"no-such-command-anywhere"}, {}}, signals(), -1);
    wait_for_end(missing);
    EXPECT_EQ(missing.exec_error(), ENOENT);

    Child folder({{"/"}, {}}, signals(), -1);
    wait_for_end(folder);
    EXPECT_EQ(folder.exec_error(), EACCES);
}

TEST(Child, ACommandsOwn127IsNoExecError) {
    Child child(shell("exit 127"), signals(), -1);
    EXPECT_EQ(wait_for_end(child).exit_code(), 127);
    EXPECT_EQ(child.exec_error(), std::nullopt);
}

TEST(Child, SignalsReachTheWholeGroup) {
    adopt_orphans();
    Child child(shell("sleep 600 & exec sleep 600"), signals(), -1);
    child.signal_group(SIGKILL);
    const Status status = wait_for_end(child);
    ASSERT_TRUE(status.killed());
    EXPECT_EQ(status.term_signal(), SIGKILL);
    for (int turn = 0; turn < 6000 && reap_orphans(0); ++turn) ::usleep(10'000);
    EXPECT_EQ(descendants(), std::vector<pid_t>{});
}

TEST(Descendants, AreFoundInOtherGroupsAndSessions) {
    adopt_orphans();
    Child child(shell("setsid sleep 600 & timeout 600 sleep 600 & wait"), signals(), -1);
    // The shell, setsid's sleep, timeout and its sleep.
    for (int turn = 0; turn < 6000 && descendants().size() < 4; ++turn) ::usleep(10'000);
    EXPECT_EQ(descendants().size(), 4U);
    for (int turn = 0; turn < 6000; ++turn) {
        for (const pid_t pid : descendants()) ::kill(pid, SIGKILL);
        child.poll();
        if (!reap_orphans(0)) break;
        ::usleep(10'000);
    }
    EXPECT_EQ(descendants(), std::vector<pid_t>{});
}

TEST(Child, StartsWithTheSignalMaskWeWereGiven) {
    Child child(shell("grep -q '^SigBlk:.*0000$' /proc/self/status"), signals(), -1);
    EXPECT_EQ(wait_for_end(child).exit_code(), 0);
}

TEST(Child, KeepsNoneOfOurDescriptors) {
    const UniqueFd ours(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    Child child(shell("test ! -e /proc/self/fd/" + std::to_string(ours.get())), signals(), -1);
    EXPECT_EQ(wait_for_end(child).exit_code(), 0);
}

TEST(Child, PollTellsOfAStopAndStillOfTheEnd) {
    Child child(shell("kill -STOP $$; exit 3"), signals(), -1);
    std::optional<Status> status;
    for (int turn = 0; turn < 6000 && !status; ++turn) {
        status = child.poll();
        ::usleep(10'000);
    }
    ASSERT_TRUE(status && status->stopped());
    child.signal_group(SIGCONT);
    for (int turn = 0; turn < 6000; ++turn) {
        status = child.poll();
        if (status) break;
        ::usleep(10'000);
    }
    ASSERT_TRUE(status);
    EXPECT_EQ(status->exit_code(), 3);
}

} // namespace
} // namespace redlock::process
