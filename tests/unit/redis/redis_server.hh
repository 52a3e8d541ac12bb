// A redis-server of the test's own: on a unix socket in a folder that is removed with it, and on a free
// loopback port where asked for. A small watcher process holds both: whatever becomes of the test, the
// server ends and the folder goes.
#pragma once

#include "config/node_url.hh"
#include "redis/codec.hh"
#include "util/fd.hh"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace redlock::redis {

// Nobody listens on it now.
inline std::uint16_t free_port() {
    const UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto *generic = reinterpret_cast<sockaddr *>(&address);
    if (::bind(socket.get(), generic, length) < 0 || ::getsockname(socket.get(), generic, &length) < 0)
        throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

class RedisServer {
  public:
    explicit RedisServer(std::vector<std::string> options = {}, bool tcp = false) {
        std::filesystem::path place = std::filesystem::temp_directory_path();
        if (place.native().size() > 60) place = "/tmp"; // the socket's path must be short
        std::string pattern = (place / "redlock-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = pattern;
        port_ = tcp ? free_port() : std::uint16_t{0};
        std::vector<std::string> words = {"redis-server",
                                          "--port",
                                          std::to_string(port_),
                                          "--bind",
                                          "127.0.0.1 -::1",
                                          "--unixsocket",
                                          socket_path(),
                                          "--dir",
                                          folder_,
                                          "--save",
                                          "",
                                          "--appendonly",
                                          "no",
                                          "--loglevel",
                                          "warning",
                                          "--logfile",
                                          folder_ + "/log"};
        words.insert(words.end(), options.begin(), options.end());
        start(words);
        wait_until_ready();
    }
    ~RedisServer() {
        resume();
        // The watcher ends the server and removes the folder. A byte, because watchers that were started
        // later hold copies of this end.
        [[maybe_unused]] const ssize_t ignored = ::write(life_.get(), "x", 1);
        ::waitpid(watcher_, nullptr, 0);
    }
    RedisServer(const RedisServer &) = delete;
    RedisServer &operator=(const RedisServer &) = delete;

    [[nodiscard]] std::string socket_path() const { return folder_ + "/s"; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] config::NodeUrl url() const {
        config::NodeUrl url;
        url.path = socket_path();
        return url;
    }
    void stop() const { ::kill(server_, SIGSTOP); }
    void resume() const { ::kill(server_, SIGCONT); }
    void kill() const { ::kill(server_, SIGKILL); }

    // Asks the server over a connection of its own; the raw reply as text, empty when it closes. Text of
    // bulk strings comes without its length.
    std::string command(const std::vector<std::string> &words) const {
        const UniqueFd socket = connect();
        std::string request = "*" + std::to_string(words.size()) + "\r\n";
        for (const std::string &word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
        if (!socket || ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
        ::shutdown(socket.get(), SHUT_WR); // it answers, then closes
        std::string reply;
        std::array<char, 4096> buffer{};
        for (ssize_t got = 0; (got = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;)
            reply.append(buffer.data(), static_cast<std::size_t>(got));
        if (reply.starts_with('$') && !reply.starts_with("$-1")) reply.erase(0, reply.find("\r\n") + 2);
        while (reply.ends_with("\r\n")) reply.erase(reply.size() - 2);
        return reply;
    }
    // How often the server has run a command, from a script or not.
    [[nodiscard]] int calls(const std::string &name) const {
        const std::string all = command({"INFO", "commandstats"});
        const std::string key = "cmdstat_" + name + ":calls=";
        const std::size_t at = all.find(key);
        return at == all.npos ? 0 : std::atoi(all.c_str() + at + key.size());
    }

  private:
    [[nodiscard]] UniqueFd connect() const {
        UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
        if (::connect(socket.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) < 0) socket.reset();
        return socket;
    }

    void start(const std::vector<std::string> &words) {
        std::vector<char *> arguments;
        for (const std::string &word : words) arguments.push_back(const_cast<char *>(word.c_str()));
        arguments.push_back(nullptr);
        std::array<int, 2> life{};
        std::array<int, 2> news{};
        if (::pipe2(life.data(), O_CLOEXEC) < 0 || ::pipe2(news.data(), O_CLOEXEC) < 0)
            throw std::runtime_error("no pipe");
        watcher_ = ::fork();
        if (watcher_ == 0) {
            ::setsid(); // a Ctrl-C is for the test
            const pid_t server = ::fork();
            if (server == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                ::execvp(arguments[0], arguments.data());
                ::_exit(127);
            }
            [[maybe_unused]] ssize_t ignored = ::write(news[1], &server, sizeof server);
            ::close(life[1]);
            ::close(news[1]);
            char byte = 0;
            while (::read(life[0], &byte, 1) < 0 && errno == EINTR) {
            }
            ::kill(server, SIGKILL);
            ::waitpid(server, nullptr, 0);
            std::error_code error;
            std::filesystem::remove_all(folder_, error);
            ::_exit(0);
        }
        life_.reset(life[1]);
        ::close(life[0]);
        ::close(news[1]);
        if (::read(news[0], &server_, sizeof server_) != sizeof server_) server_ = -1;
        ::close(news[0]);
    }

    void wait_until_ready() const {
        for (int i = 0; i < 2000; ++i) {
            if (!command({"PING"}).empty()) return;
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
        throw std::runtime_error("redis-server does not start; is it installed?");
    }

    std::string folder_;
    std::uint16_t port_ = 0;
    pid_t watcher_ = -1;
    pid_t server_ = -1;
    UniqueFd life_;
};

} // namespace redlock::redis
