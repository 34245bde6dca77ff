/*
 * Uploads many small files through one client, several at a time.
 *
 *     many ENDPOINT BUCKET FOLDER COUNT AT_A_TIME [IN_EACH]
 *
 * The files are FOLDER/00000, FOLDER/00001 and so on; their names are the keys. With IN_EACH they are those of a tree, as
 * tree.c makes it with so many files in each folder. OSS_REGION and keys are in the environment; CHECKPOINT=1 switches
 * checkpoints on.
 */
#define _DEFAULT_SOURCE
#include <oss_upload.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_THREADS = 100 };

static const char *bucket, *folder;
static oss_client *client;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int count, in_each, next, failed;

static int take(void)
{
    int taken;
    pthread_mutex_lock(&lock);
    taken = failed ? count : next++;
    pthread_mutex_unlock(&lock);
    return taken;
}

static void *work(void *unused)
{
    char path[4096], key[32];
    int number;
    while ((number = take()) < count) {
        oss_upload_options what = oss_upload_options_default();
        oss_error error;
        if (in_each > 0) snprintf(key, sizeof(key), "%04d/%07d", number / in_each, number);
        else snprintf(key, sizeof(key), "%05d", number);
        snprintf(path, sizeof(path), "%s/%s", folder, key);
        what.bucket = bucket;
        what.object_key = key;
        what.file_path = path;
        what.part_size = OSS_PART_SIZE_AUTO;
        what.checkpoint = getenv("CHECKPOINT") != NULL;
        if (oss_upload_file(client, &what, NULL, &error, NULL, NULL) != OSS_OK) {
            fprintf(stderr, "%s: %s\n", path, error.message);
            pthread_mutex_lock(&lock);
            failed = 1;
            pthread_mutex_unlock(&lock);
        }
    }
    return unused;
}

int main(int argc, char **argv)
{
    oss_client_options where = oss_client_options_default();
    pthread_t threads[MOST_THREADS];
    oss_error error;
    int i, thread_count;

    if (argc < 6 || argc > 7 || (thread_count = atoi(argv[5])) < 1 || thread_count > MOST_THREADS) {
        fprintf(stderr, "usage: %s ENDPOINT BUCKET FOLDER COUNT AT_A_TIME [IN_EACH]\n", argv[0]);
        return 2;
    }
    where.endpoint = argv[1];
    where.region = getenv("OSS_REGION");
    bucket = argv[2];
    folder = argv[3];
    count = atoi(argv[4]);
    in_each = argc > 6 ? atoi(argv[6]) : 0;
    if (oss_client_new(&where, &client, &error) != OSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (i = 0; i < thread_count; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) {
            perror("pthread_create");
            return 1;
        }
    }
    for (i = 0; i < thread_count; i++) pthread_join(threads[i], NULL);
    oss_client_free(client);
    return failed;
}
