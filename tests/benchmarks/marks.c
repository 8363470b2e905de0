/* Tells callgrind where a job begins and ends. Loaded by instruction_jobs.py; without valgrind the calls do nothing. */
#include <valgrind/callgrind.h>

void begin_job(void) {
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
}

void end_job(const char *name) {
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
}
