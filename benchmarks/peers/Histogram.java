import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Per unit and hour (UTC), how many answers of "overall" were 1, 2, 3, 4, 5: by Kafka Streams, exactly once.
 *
 * <p>Arguments: the address of Kafka, the group, the topic to read, the folder for state, the name of the store.
 * Keys of the store are {@code UNIT|2026-11-22T05}, values five big-endian 8-byte integers.
 */
public final class Histogram {

    private static final int LEVELS = 5;
    private static final int UP_TO_HOUR = "2026-11-22T05".length();

    private Histogram() {}

    /** What the job needs of an event. */
    record Answer(String hour, int level) {}

    /** Reads only what the job needs, as a stream: no tree, no object for the rest. */
    static final class AnswerReader implements Deserializer<Answer> {
        private final JsonFactory json = new JsonFactory();

        @Override
        public Answer deserialize(String topic, byte[] value) {
            String hour = null;
            int level = 0;
            try (JsonParser parser = json.createParser(value)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String field = parser.currentName();
                    JsonToken token = parser.nextToken();
                    if (field.equals("occurred_at")) {
                        hour = parser.getText().substring(0, UP_TO_HOUR);
                    } else if (field.equals("answers")) {
                        while (parser.nextToken() == JsonToken.FIELD_NAME) {
                            boolean overall = parser.currentName().equals("overall");
                            parser.nextToken();
                            if (overall) {
                                level = parser.getIntValue();
                            }
                        }
                    } else if (token.isStructStart()) {
                        parser.skipChildren();
                    }
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            return new Answer(hour, level);
        }
    }

    private static Serde<long[]> counts() {
        Serializer<long[]> write = (topic, counts) -> {
            ByteBuffer buffer = ByteBuffer.allocate(LEVELS * Long.BYTES);
            buffer.asLongBuffer().put(counts);
            return buffer.array();
        };
        Deserializer<long[]> read = (topic, bytes) -> {
            if (bytes == null) {
                return null;
            }
            long[] counts = new long[LEVELS];
            ByteBuffer.wrap(bytes).asLongBuffer().get(counts);
            return counts;
        };
        return Serdes.serdeFrom(write, read);
    }

    /** Counts one record. An answer without "overall" is no concern of this job. */
    static final class Counting implements Processor<String, Answer, Void, Void> {
        private final String store;
        private KeyValueStore<String, long[]> held;

        Counting(String store) {
            this.store = store;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            held = context.getStateStore(store);
        }

        @Override
        public void process(Record<String, Answer> record) {
            Answer answer = record.value();
            if (answer.level() == 0) {
                return;
            }
            String key = record.key() + "|" + answer.hour();
            long[] counts = held.get(key);
            if (counts == null) {
                counts = new long[LEVELS];
            }
            counts[answer.level() - 1]++;
            held.put(key, counts);
        }
    }

    private static Properties settings(String kafka, String group, String folder) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, kafka);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, group);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        // A second, as often as scoring makes its indices: the 100 ms of exactly_once_v2 cost transactions.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
        // Room for all that changes between two commits, and large batches on the way in and out.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 << 20);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5000);
        settings.put(
                StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        return settings;
    }

    @SuppressWarnings("resource") // closed as the process ends
    public static void main(String[] arguments) {
        String topic = arguments[2];
        String store = arguments[4];
        Topology topology = new Topology();
        topology.addSource("answers", new StringDeserializer(), new AnswerReader(), topic)
                .addProcessor("counting", () -> new Counting(store), "answers")
                .addStateStore(
                        Stores.keyValueStoreBuilder(
                                        Stores.persistentKeyValueStore(store), Serdes.String(), counts())
                                .withCachingEnabled(),
                        "counting");
        KafkaStreams streams = new KafkaStreams(topology, settings(arguments[0], arguments[1], arguments[3]));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
        streams.setUncaughtExceptionHandler(
                error -> {
                    error.printStackTrace();
                    Runtime.getRuntime().halt(1);
                    return null;
                });
        streams.start();
    }
}
