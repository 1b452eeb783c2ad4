/* libmodbus as a client: HOSTS ports from BASE on, a thread each, three blocks of 40 registers. Prints seconds. */
#include <modbus.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int base, failed;

static void *host(void *number) {
    uint16_t words[125];
    modbus_t *context = modbus_new_tcp("127.0.0.1", base + (int)(long)number);
    modbus_set_slave(context, 1);
    if (modbus_connect(context)) failed++;
    for (int block = 0; block < 3; block++) {
        if (modbus_read_registers(context, 100 * block, 40, words) != 40) failed++;
        for (int n = 0; n < 40; n++) failed += words[n] != (uint16_t)(31 + 7 * (100 * block + n));
    }
    modbus_close(context);
    modbus_free(context);
    return 0;
}

int main(int count, char **words) {
    (void)count;
    base = atoi(words[1]);
    int hosts = atoi(words[2]);
    pthread_t *threads = malloc(hosts * sizeof *threads);
    struct timespec begun, ended;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (long n = 0; n < hosts; n++) pthread_create(&threads[n], 0, host, (void *)n);
    for (int n = 0; n < hosts; n++) pthread_join(threads[n], 0);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%f\n", ended.tv_sec - begun.tv_sec + (ended.tv_nsec - begun.tv_nsec) / 1e9);
    return failed != 0;
}
