// SPDX-License-Identifier: Apache-2.0
//
//  Starting and stopping DPDK's environment. `rte_eal_init` pins the calling thread to its main
//  core, and every thread made from it inherits that; so it runs on a thread that ends afterwards.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_version.h>

#include "internal.h"

enum { LOG_BYTES = 480, ARGUMENT_BYTES = 4096 };

static _Atomic bool running;
static bool started_once;
static bool log_to_stderr;
static char log_text[LOG_BYTES];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char runtime_directory[64];
static const char TELEMETRY_SOCKET[] = "dpdk_telemetry.v2";
static char telemetry_path[128];

/// Keeps the first lines since `cdpdk_log_clear`: the first complaint is the cause.
static void keep(const char *text, size_t length) {
    pthread_mutex_lock(&log_lock);
    size_t used = strlen(log_text);
    size_t room = LOG_BYTES - 1 - used;
    size_t taken = length < room ? length : room;
    for (size_t i = 0; i < taken; i++) {
        char c = text[i];
        log_text[used + i] = c == '\n' ? ';' : c;
    }
    log_text[used + taken] = 0;
    pthread_mutex_unlock(&log_lock);
}

static ssize_t log_write(void *cookie, const char *text, size_t length) {
    (void)cookie;
    keep(text, length);
    if (log_to_stderr) { (void)!write(STDERR_FILENO, text, length); }
    return (ssize_t)length;
}

static int print_to_log(int level, const char *format, va_list arguments) {
    char line[256];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (level > 0 || length <= 0) { return 0; }  // 0 is "warning" for libbpf and libxdp
    log_write(NULL, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    return length;
}

/// The XDP libraries print to stderr by themselves; they come in with the driver, if at all.
static void quiet_library(const char *name, const char *setter) {
    void *library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    if (library == NULL) { return; }
    typedef int (*print_function)(int, const char *, va_list);
    typedef print_function (*set_function)(print_function);
    set_function set = (set_function)dlsym(library, setter);
    if (set != NULL) { set(print_to_log); }
}

void cdpdk_log_clear(void) {
    pthread_mutex_lock(&log_lock);
    log_text[0] = 0;
    pthread_mutex_unlock(&log_lock);
}

const char *cdpdk_log_last(void) { return log_text[0] ? log_text : "the driver gave no reason"; }

bool cdpdk_eal_running(void) { return running; }

const char *cdpdk_telemetry_path(void) { return running ? telemetry_path : ""; }

const char *cdpdk_version(void) { return rte_version(); }

typedef struct {
    int count;
    char text[16][ARGUMENT_BYTES];
    bool was_cut;
    char *pointers[17];
} argument_list;

__attribute__((format(printf, 2, 3)))
static void add(argument_list *list, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(list->text[list->count], sizeof list->text[0], format, arguments);
    va_end(arguments);
    list->was_cut = list->was_cut || length >= (int)sizeof list->text[0];
    list->pointers[list->count] = list->text[list->count];
    list->count++;
}

static void add_cpus(argument_list *list, const char *cpu_list) {
    if (cpu_list != NULL) {
        add(list, "--lcores=0@(%s)", cpu_list);
        return;
    }
    cpu_set_t allowed;
    char cpus[ARGUMENT_BYTES - 16] = "";
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE && strlen(cpus) < sizeof cpus - 8; cpu++) {
        if (!CPU_ISSET(cpu, &allowed)) { continue; }
        size_t used = strlen(cpus);
        snprintf(cpus + used, sizeof cpus - used, "%s%d", used ? "," : "", cpu);
    }
    add(list, "--lcores=0@(%s)", cpus);
}

/// A value for each node, `node` alone or all (-1): "0,64".
static void add_nodes(argument_list *list, const char *option, uint32_t value, int node) {
    char values[80] = "";
    for (int i = 0; i < 8; i++) {
        char path[64];
        snprintf(path, sizeof path, "/sys/devices/system/node/node%d", i);
        if (i > 0 && access(path, F_OK) != 0) { break; }
        size_t used = strlen(values);
        snprintf(
            values + used, sizeof values - used, "%s%u", used ? "," : "",
            node < 0 || i == node ? value : 0);
    }
    add(list, "%s=%s", option, values);
}

static void add_memory(argument_list *list, const cdpdk_eal_configuration *configuration) {
    uint32_t mebibytes = configuration->memory_mebibytes;
    if (configuration->huge_pages && configuration->numa_node >= 0) {
        add_nodes(list, "--socket-mem", mebibytes, configuration->numa_node);
    } else {
        add(list, "-m");
        add(list, "%u", mebibytes);
    }
    if (configuration->huge_pages) {
        // No files on hugetlbfs, so a killed process leaves none; and never more than its share,
        // for the rest of the huge pages is the log's and the engine's.
        add(list, "--in-memory");
        add_nodes(list, "--socket-limit", mebibytes, -1);
    } else {
        add(list, "--no-huge");
        add(list, "--no-shconf");
    }
}

typedef struct {
    argument_list arguments;
    const char *cpu_list;
    int result;
    int code;
} start_state;

/// Keeps the calling thread on the processors of a list such as "0,2-3".
static void stay_on(const char *cpu_list) {
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    for (const char *at = cpu_list; *at != 0;) {
        char *end;
        long first = strtol(at, &end, 10), last = first;
        if (*end == '-') { last = strtol(end + 1, &end, 10); }
        for (long cpu = first; cpu >= 0 && cpu <= last && cpu < CPU_SETSIZE; cpu++) {
            CPU_SET(cpu, &wanted);
        }
        if (end == at || *end != ',') { break; }
        at = end + 1;
    }
    sched_setaffinity(0, sizeof wanted, &wanted);
}

static void *start_thread(void *argument) {
    start_state *state = argument;
    // DPDK's threads go to the processors that its caller may use and no lcore does; if there are
    // none, to those of its main lcore. So none but these are left to it: else it would put them
    // on the cores that poll.
    if (state->cpu_list != NULL) { stay_on(state->cpu_list); }
    state->arguments.pointers[state->arguments.count] = NULL;
    state->result = rte_eal_init(state->arguments.count, state->arguments.pointers);
    state->code = rte_errno;
    return NULL;
}

/// In a user namespace /var/run is not ours although we look like root.
static void choose_runtime_directory(void) {
    if (getenv("RUNTIME_DIRECTORY") != NULL || access("/var/run", W_OK) == 0) { return; }
    snprintf(runtime_directory, sizeof runtime_directory, "/tmp/needletail-dpdk-XXXXXX");
    if (mkdtemp(runtime_directory) == NULL) {
        runtime_directory[0] = 0;
        return;
    }
    setenv("RUNTIME_DIRECTORY", runtime_directory, 1);
}

/// The folder that DPDK will use with this prefix, as it chooses it.
static void name_runtime_folder(char *path, size_t room, const char *prefix) {
    const char *base = getenv("RUNTIME_DIRECTORY");
    if (base == NULL) { base = "/var/run"; }
    snprintf(path, room, "%s/dpdk", base);
    mkdir(path, 0700);
    snprintf(path, room, "%s/dpdk/%s", base, prefix);
}

/// Whether another process answers on the telemetry socket of a folder.
static bool is_answered(const char *folder) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, TELEMETRY_SOCKET);
    if (length >= (int)sizeof address.sun_path) { return false; }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) { return false; }
    bool answered = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answered;
}

static void remove_telemetry_folder(const char *folder) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, TELEMETRY_SOCKET);
    unlink(path);
    rmdir(folder);
}

/// Folders that processes left which had to take their number into the name and were killed.
static void remove_left_folders(const char *folder) {
    char pattern[PATH_MAX];
    snprintf(pattern, sizeof pattern, "%s-[0-9]*", folder);
    glob_t found;
    if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0) { return; }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        pid_t owner = (pid_t)strtol(path + strlen(folder) + 1, NULL, 10);
        bool is_gone = owner > 0 && kill(owner, 0) != 0 && errno == ESRCH;
        if (is_gone && !is_answered(path)) { remove_telemetry_folder(path); }
    }
    globfree(&found);
}

/// Tells processes apart, and keeps the telemetry socket where it can be had: where it cannot,
/// DPDK would not start at all.
static void add_prefix(argument_list *list, const char *wanted) {
    char prefix[64], folder[PATH_MAX];
    snprintf(prefix, sizeof prefix, "%s", wanted != NULL ? wanted : "needletail");
    name_runtime_folder(folder, sizeof folder, prefix);
    remove_left_folders(folder);
    if (is_answered(folder)) {
        snprintf(
            prefix, sizeof prefix, "%.40s-%d", wanted != NULL ? wanted : "needletail", getpid());
        name_runtime_folder(folder, sizeof folder, prefix);
    }
    add(list, "--file-prefix=%s", prefix);
    bool is_there = mkdir(folder, 0700) == 0 || errno == EEXIST;
    size_t room = sizeof ((struct sockaddr_un *)NULL)->sun_path;
    bool fits = strlen(folder) + 1 + sizeof TELEMETRY_SOCKET <= room;
    if (is_there && access(folder, W_OK | X_OK) == 0 && fits) {
        snprintf(telemetry_path, sizeof telemetry_path, "%s/%s", folder, TELEMETRY_SOCKET);
    } else {
        add(list, "--no-telemetry");
    }
}

static int remove_entry(const char *path, const struct stat *s, int kind, struct FTW *walk) {
    (void)s;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_runtime_directory(void) {
    if (runtime_directory[0] == 0) { return; }
    nftw(runtime_directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    unsetenv("RUNTIME_DIRECTORY");
    runtime_directory[0] = 0;
}

static bool start_failed(
    const cdpdk_eal_configuration *configuration, const start_state *state, cdpdk_error *error) {
    const char *cure = configuration->huge_pages
        ? "reserve enough huge pages (sysctl -w vm.nr_hugepages=N, 2 MiB each, the log's share on "
          "top), or do without them (packetMemoryMB: 0)"
        : "give it less memory, or look whether another limit (ulimit -v, cgroup) is in the way";
    return cdpdk_fail(
        error, state->code, "DPDK did not start with %u MiB %s huge pages: %s (%s); %s",
        configuration->memory_mebibytes, configuration->huge_pages ? "of" : "without",
        rte_strerror(state->code), cdpdk_log_last(), cure);
}

bool cdpdk_eal_start(const cdpdk_eal_configuration *configuration, cdpdk_error *error) {
    if (running) { return true; }
    if (started_once) {
        return cdpdk_fail(
            error, EALREADY, "DPDK can be started only once in a process; start a new process");
    }
    if (configuration->huge_pages
        && !cdpdk_huge_pages_check(
            "", configuration->memory_mebibytes, configuration->numa_node, error)) {
        return false;
    }
    started_once = true;
    log_to_stderr = configuration->verbose;
    cookie_io_functions_t functions = {.write = log_write};
    FILE *stream = fopencookie(NULL, "w", functions);
    if (stream != NULL) {
        setvbuf(stream, NULL, _IOLBF, 0);
        rte_openlog_stream(stream);
    }
    choose_runtime_directory();

    start_state state = {.cpu_list = configuration->cpu_list};
    argument_list *list = &state.arguments;
    add(list, "needletail");
    add_cpus(list, configuration->cpu_list);
    add_memory(list, configuration);
    add_prefix(list, configuration->file_prefix);
    add(list, "--log-level=%s", configuration->verbose ? "info" : "error");
    // An allow list of nothing: PCI devices are taken when a port asks for them, not before.
    add(list, "-a");
    add(list, "0000:00:00.0");

    if (list->was_cut) {
        remove_runtime_directory();
        return cdpdk_fail(error, E2BIG, "DPDK's arguments are too long: name fewer processors");
    }

    cdpdk_log_clear();
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, start_thread, &state);
    if (failed != 0) { return cdpdk_fail(error, failed, "no thread to start DPDK on"); }
    pthread_join(thread, NULL);
    if (state.result < 0) {
        remove_runtime_directory();
        return start_failed(configuration, &state, error);
    }
    quiet_library("libbpf.so.1", "libbpf_set_print");
    quiet_library("libxdp.so.1", "libxdp_set_print");
    running = true;
    return true;
}

void cdpdk_eal_stop(void) {
    if (!running) { return; }
    running = false;
    rte_eal_cleanup();
    if (telemetry_path[0] != 0) {
        *strrchr(telemetry_path, '/') = 0;
        remove_telemetry_folder(telemetry_path);
    }
    remove_runtime_directory();
}

bool cdpdk_thread_register(void) {
    if (!running) { return false; }
    return rte_lcore_id() != LCORE_ID_ANY || rte_thread_register() == 0;
}

void cdpdk_thread_unregister(void) {
    if (running) { rte_thread_unregister(); }
}
