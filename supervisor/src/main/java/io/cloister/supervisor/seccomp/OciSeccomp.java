// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.seccomp;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.nativeio.seccomp.Action;
import io.cloister.nativeio.seccomp.ArgumentCondition;
import io.cloister.nativeio.seccomp.SeccompCompiler;
import io.cloister.nativeio.seccomp.SeccompPolicy;
import io.cloister.nativeio.seccomp.SeccompRule;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads seccomp profiles as container engines use them: the {@code linux.seccomp} object of the OCI
 * runtime specification (or a whole {@code config.json} with one), and the format of Docker's
 * default profile, whose rules may depend on capabilities, architecture and kernel.
 *
 * <p>Calls that no headers know are skipped, as engines do. A program has no capabilities, so rules
 * for holders of some do not apply. What cannot be had is an error, not a gap: the actions TRACE
 * and NOTIFY, unknown fields.
 *
 * @param policy its name is the one that it was read under
 * @param skipped names of calls that are unknown here
 * @param notes what else of the file is not in the policy, in words
 */
public record OciSeccomp(SeccompPolicy policy, SortedSet<String> skipped, List<String> notes) {
    private static final Logger LOG = LoggerFactory.getLogger(OciSeccomp.class);

    /** Most bytes of a file; Docker's profile has 15 KiB. */
    public static final int MAX_BYTES = 1 << 20;

    private static final int MAX_DEPTH = 16;
    private static final int MAX_NUMBER_DIGITS = 20;
    private static final int EPERM = Linux.EPERM;
    private static final int ARGUMENTS = 6;

    private static final ObjectMapper JSON =
            new ObjectMapper(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(MAX_DEPTH)
                                                    .maxNumberLength(MAX_NUMBER_DIGITS)
                                                    .maxDocumentLength(MAX_BYTES)
                                                    .build())
                                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final Set<String> TOP =
            Set.of(
                    "defaultAction",
                    "defaultErrnoRet",
                    "architectures",
                    "archMap",
                    "flags",
                    "listenerPath",
                    "listenerMetadata",
                    "syscalls",
                    "comment");

    private static final Set<String> ENTRY =
            Set.of(
                    "name",
                    "names",
                    "action",
                    "errnoRet",
                    "args",
                    "includes",
                    "excludes",
                    "comment");

    private static final Set<String> ARGUMENT = Set.of("index", "value", "valueTwo", "op");
    private static final Set<String> FILTER = Set.of("caps", "arches", "minKernel");

    /**
     * Arguments that the kernel takes as 32-bit numbers. Profiles compare all 64 bits, so that a
     * program could pass by a comparison with "not equal" by setting a bit that the kernel ignores.
     */
    private static final Map<String, Set<Integer>> INTS =
            Map.of(
                    "socket", Set.of(0, 1, 2),
                    "socketpair", Set.of(0, 1, 2),
                    "personality", Set.of(0),
                    "ioctl", Set.of(0, 1),
                    "fcntl", Set.of(0, 1),
                    "prctl", Set.of(0),
                    "setns", Set.of(0, 1));

    public OciSeccomp {
        skipped = new TreeSet<>(skipped);
        notes = List.copyOf(notes);
    }

    /**
     * Reads a file for the machine that this is; what was skipped goes to the log.
     *
     * @return a policy named after the file, without directory and extension
     * @throws InvalidProfile saying where and what is wrong with it
     * @throws IOException when it cannot be read
     */
    public static SeccompPolicy read(Path file) throws IOException {
        Path name = file.getFileName();
        return read(nameOf(name == null ? "" : name.toString()), file);
    }

    /** As {@link #read(Path)}, under a name of its own. */
    public static SeccompPolicy read(String name, Path file) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        }
        OciSeccomp read;
        try {
            read = parse(name, bytes, Host.current());
            SeccompCompiler.compile(read.policy().forRun());
        } catch (IllegalArgumentException e) {
            throw new InvalidProfile(
                    "seccomp profile %s: %s".formatted(file, String.valueOf(e.getMessage())), e);
        }
        if (!read.skipped().isEmpty()) {
            LOG.info("seccomp profile {}: unknown here and skipped: {}", file, read.skipped());
        }
        read.notes().forEach(note -> LOG.info("seccomp profile {}: {}", file, note));
        return read.policy();
    }

    private static String nameOf(String file) {
        int dot = file.lastIndexOf('.');
        String stem = (dot > 0 ? file.substring(0, dot) : file).toLowerCase(Locale.ROOT);
        String plain = stem.replaceAll("[^a-z0-9-]+", "-").replaceAll("^[^a-z]+", "");
        return plain.isEmpty() ? "profile" : plain.substring(0, Math.min(plain.length(), 64));
    }

    /**
     * What rules may depend on.
     *
     * @param kernel major and minor version of the running kernel
     */
    record Host(Architecture architecture, List<Integer> kernel) {
        static Host current() {
            return new Host(
                    Architecture.current(),
                    version(System.getProperty("os.version", "0.0"))
                            .orElseThrow(() ->
                                    new IllegalStateException("the kernel has an odd version")));
        }

        /** As profiles name it: Go's word for it. */
        private String name() {
            return switch (architecture) {
                case X86_64 -> "amd64";
                case AARCH64 -> "arm64";
            };
        }

        private static Optional<List<Integer>> version(String text) {
            String[] parts = text.split("[^0-9]", 3);
            try {
                return parts.length < 2
                        ? Optional.empty()
                        : Optional.of(
                                List.of(Integer.parseInt(parts[0]), Integer.parseInt(parts[1])));
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
        }

        private boolean isAtLeast(List<Integer> other) {
            int major = Integer.compare(kernel.get(0), other.get(0));
            return major > 0 || (major == 0 && kernel.get(1) >= other.get(1));
        }
    }

    /**
     * Reads a profile.
     *
     * @throws IllegalArgumentException saying where and what is wrong with it
     */
    static OciSeccomp parse(String name, byte[] json, Host host) {
        if (json.length > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "larger than %d bytes: shorten it".formatted(MAX_BYTES));
        }
        JsonNode root;
        try {
            root = JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new IllegalArgumentException("not JSON: " + e.getMessage(), e);
        }
        JsonNode inConfig = root.path("linux").path("seccomp");
        return new Reader(host).read(name, inConfig.isMissingNode() ? root : inConfig);
    }

    /** One reading. */
    private static final class Reader {
        private final Host host;
        private final SyscallTable table;
        private final SortedSet<String> skipped = new TreeSet<>();
        private final List<String> notes = new ArrayList<>();
        private final List<SeccompRule> unconditional = new ArrayList<>();
        private final List<SeccompRule> conditional = new ArrayList<>();
        private final Map<String, Action> decided = new LinkedHashMap<>();
        private final SortedSet<String> named = new TreeSet<>();

        Reader(Host host) {
            this.host = host;
            this.table = SyscallTable.of(host.architecture());
        }

        OciSeccomp read(String name, JsonNode profile) {
            fields("the profile", profile, TOP);
            Action otherwise =
                    action(
                            "the profile",
                            profile.path("defaultAction"),
                            profile.path("defaultErrnoRet"));
            noteWhatIsLeftOut(profile);
            JsonNode entries = profile.path("syscalls");
            int number = 0;
            for (JsonNode entry : list("syscalls", entries)) {
                entry("syscalls[%d]".formatted(number++), entry, otherwise);
            }
            List<SeccompRule> rules = new ArrayList<>(unconditional);
            rules.addAll(conditional);
            boolean open = otherwise.equals(Action.allow());
            if (otherwise instanceof Action.Errno) {
                youngerThanTheProfile().ifPresent(rules::add);
            }
            boolean kills = otherwise.equals(Action.killProcess());
            Action absent = Action.errno("ENOSYS");
            SeccompPolicy policy =
                    new SeccompPolicy(
                            name,
                            1,
                            otherwise,
                            open ? otherwise : absent,
                            kills ? otherwise : absent,
                            rules);
            return new OciSeccomp(policy, skipped, notes);
        }

        /**
         * Calls that came after the youngest one that the profile names: its author cannot have
         * meant them, and libraries do without them on ENOSYS alone. Engines do the same, and do it
         * for profiles that kill, too, where we would rather name the call.
         */
        private Optional<SeccompRule> youngerThanTheProfile() {
            int youngest =
                    named.stream()
                            .mapToInt(call -> table.number(call).orElse(-1))
                            .max()
                            .orElse(Integer.MAX_VALUE);
            SortedSet<String> younger = new TreeSet<>();
            for (String call : table.names()) {
                if (table.number(call).orElseThrow() > youngest) {
                    younger.add(call);
                }
            }
            return younger.isEmpty()
                    ? Optional.empty()
                    : Optional.of(
                            new SeccompRule(Action.errno("ENOSYS"), younger, List.of(), true));
        }

        private void noteWhatIsLeftOut(JsonNode profile) {
            for (JsonNode flag : list("flags", profile.path("flags"))) {
                switch (text("flags", flag)) {
                    case "SECCOMP_FILTER_FLAG_TSYNC" -> {} // one thread installs it
                    case "SECCOMP_FILTER_FLAG_LOG",
                            "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                            "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" ->
                            notes.add("the flag " + flag.textValue() + " is not set");
                    default -> throw bad("flags", "there is no flag " + quoted(flag.textValue()));
                }
            }
            SortedSet<String> foreign = new TreeSet<>();
            String own =
                    switch (host.architecture()) {
                        case X86_64 -> "SCMP_ARCH_X86_64";
                        case AARCH64 -> "SCMP_ARCH_AARCH64";
                    };
            for (JsonNode architecture : list("architectures", profile.path("architectures"))) {
                String name = text("architectures", architecture);
                if (!name.equals(own)) {
                    foreign.add(name);
                }
            }
            if (!foreign.isEmpty()) {
                notes.add("calls through other architectures are refused: " + foreign);
            }
            if (profile.has("listenerPath")) {
                throw bad("listenerPath", "there is no listener to be had: remove it");
            }
        }

        private void entry(String where, JsonNode entry, Action otherwise) {
            fields(where, entry, ENTRY);
            SortedSet<String> calls = names(where, entry);
            Action action = action(where, entry.path("action"), entry.path("errnoRet"));
            List<List<Condition>> alternatives = alternatives(where, entry.path("args"));
            if (!applies(where, entry)) {
                return;
            }
            named.addAll(calls);
            if (action.equals(otherwise)) {
                return; // as engines do: a rule that only repeats the default is none
            }
            for (String call : calls) {
                if (alternatives.isEmpty()) {
                    Action before = decided.putIfAbsent(call, action);
                    if (before != null && !before.equals(action)) {
                        throw bad(
                                where,
                                "%s is decided twice, %s and %s: keep one"
                                        .formatted(call, before, action));
                    }
                    unconditional.add(SeccompRule.of(action, call).whereKnown());
                }
                for (List<Condition> conditions : alternatives) {
                    conditional.add(
                            SeccompRule.of(action, call)
                                    .whereKnown()
                                    .when(
                                            conditions.stream()
                                                    .map(one -> one.on(call))
                                                    .toArray(ArgumentCondition[]::new)));
                }
            }
        }

        private SortedSet<String> names(String where, JsonNode entry) {
            SortedSet<String> calls = new TreeSet<>();
            if (entry.has("name")) {
                calls.add(text(where + ".name", entry.get("name")));
            }
            for (JsonNode name : list(where + ".names", entry.path("names"))) {
                calls.add(text(where + ".names", name));
            }
            if (calls.isEmpty()) {
                throw bad(where, "names no system call");
            }
            SortedSet<String> known = new TreeSet<>();
            for (String call : calls) {
                if (table.number(call).isPresent()) {
                    known.add(call);
                } else {
                    skipped.add(call);
                }
            }
            return known;
        }

        // ---- where a rule applies ------------------------------------------------------------

        private boolean applies(String where, JsonNode entry) {
            return isIncluded(where + ".includes", entry.path("includes"))
                    && !isExcluded(where + ".excludes", entry.path("excludes"));
        }

        /** All that is asked for must hold; of no capability it does. */
        private boolean isIncluded(String where, JsonNode filter) {
            if (isAbsent(filter)) {
                return true;
            }
            fields(where, filter, FILTER);
            return list(where, filter.path("caps")).isEmpty()
                    && (list(where, filter.path("arches")).isEmpty() || isOurs(where, filter))
                    && (isAbsent(filter.path("minKernel")) || hasKernel(where, filter));
        }

        /** Any will do. */
        private boolean isExcluded(String where, JsonNode filter) {
            if (isAbsent(filter)) {
                return false;
            }
            fields(where, filter, FILTER);
            return isOurs(where, filter)
                    || (!isAbsent(filter.path("minKernel")) && hasKernel(where, filter));
        }

        private boolean isOurs(String where, JsonNode filter) {
            boolean ours = false;
            for (JsonNode name : list(where + ".arches", filter.path("arches"))) {
                ours |= text(where + ".arches", name).equals(host.name());
            }
            return ours;
        }

        private boolean hasKernel(String where, JsonNode filter) {
            String text = text(where + ".minKernel", filter.get("minKernel"));
            return host.isAtLeast(
                    Host.version(text)
                            .orElseThrow(
                                    () -> bad(where, "minKernel is no version: " + quoted(text))));
        }

        // ---- conditions ----------------------------------------------------------------------

        /** A condition before it is known which call it is for. */
        private record Condition(int index, String op, long value, long valueTwo) {
            ArgumentCondition on(String call) {
                boolean narrow =
                        INTS.getOrDefault(call, Set.of()).contains(index)
                                && value >>> Integer.SIZE == 0
                                && valueTwo >>> Integer.SIZE == 0;
                ArgumentCondition.Argument argument =
                        narrow ? ArgumentCondition.int32(index) : ArgumentCondition.int64(index);
                return switch (op) {
                    case "SCMP_CMP_NE" -> argument.notEqualTo(value);
                    case "SCMP_CMP_LT" -> argument.lessThan(value);
                    case "SCMP_CMP_LE" -> argument.atMost(value);
                    case "SCMP_CMP_EQ" -> argument.equalTo(value);
                    case "SCMP_CMP_GE" -> argument.atLeast(value);
                    case "SCMP_CMP_GT" -> argument.greaterThan(value);
                    case "SCMP_CMP_MASKED_EQ" -> argument.maskedEqualTo(value, valueTwo);
                    default ->
                            throw new IllegalArgumentException(
                                    "there is no operator " + quoted(op));
                };
            }
        }

        /**
         * All conditions of an entry must hold, unless two are on the same argument: then, as
         * engines have it, any of them will do. Empty: there are none.
         */
        private List<List<Condition>> alternatives(String where, JsonNode args) {
            List<Condition> conditions = new ArrayList<>();
            Set<Integer> indices = new TreeSet<>();
            int number = 0;
            for (JsonNode arg : list(where + ".args", args)) {
                String here = "%s.args[%d]".formatted(where, number++);
                fields(here, arg, ARGUMENT);
                Condition condition =
                        new Condition(
                                (int) unsigned(here + ".index", arg.path("index"), ARGUMENTS - 1),
                                text(here + ".op", arg.path("op")),
                                unsigned(here + ".value", arg.path("value"), -1),
                                arg.has("valueTwo")
                                        ? unsigned(here + ".valueTwo", arg.get("valueTwo"), -1)
                                        : 0);
                try {
                    var unused = condition.on("");
                } catch (IllegalArgumentException e) {
                    throw bad(here, String.valueOf(e.getMessage()));
                }
                indices.add(condition.index());
                conditions.add(condition);
            }
            if (conditions.isEmpty()) {
                return List.of();
            }
            return indices.size() < conditions.size()
                    ? conditions.stream().map(List::of).toList()
                    : List.of(conditions);
        }

        // ---- values --------------------------------------------------------------------------

        private static Action action(String where, JsonNode action, JsonNode errno) {
            String name = text(where + ": action", action);
            int number =
                    isAbsent(errno) ? EPERM : (int) unsigned(where + ": errnoRet", errno, 4095);
            return switch (name) {
                case "SCMP_ACT_ALLOW" -> Action.allow();
                case "SCMP_ACT_ERRNO" -> Action.errno(number);
                case "SCMP_ACT_LOG" -> Action.log();
                case "SCMP_ACT_TRAP" -> Action.trap();
                case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS" ->
                        Action.killProcess();
                case "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY" ->
                        throw bad(
                                where,
                                name
                                        + " needs a process that answers, and there is none: use"
                                        + " another action");
                default -> throw bad(where, "there is no action " + quoted(name));
            };
        }

        private static void fields(String where, JsonNode object, Set<String> known) {
            if (!object.isObject()) {
                throw bad(where, "is not an object");
            }
            for (String field : (Iterable<String>) object::fieldNames) {
                if (!known.contains(field)) {
                    throw bad(where, "has an unknown field " + quoted(field));
                }
            }
        }

        private static List<JsonNode> list(String where, JsonNode list) {
            if (isAbsent(list)) {
                return List.of();
            }
            if (!list.isArray()) {
                throw bad(where, "is not a list");
            }
            List<JsonNode> entries = new ArrayList<>();
            list.forEach(entries::add);
            return entries;
        }

        private static String text(String where, JsonNode text) {
            if (!text.isTextual()) {
                throw bad(where, isAbsent(text) ? "is missing" : "is not a text");
            }
            return text.textValue();
        }

        /** A number of 64 bits without sign, at most {@code max}, itself without sign. */
        private static long unsigned(String where, JsonNode number, long max) {
            if (!number.isIntegralNumber()) {
                throw bad(where, isAbsent(number) ? "is missing" : "is not a whole number");
            }
            BigInteger value = number.bigIntegerValue();
            if (value.signum() < 0
                    || value.bitLength() > Long.SIZE
                    || Long.compareUnsigned(value.longValue(), max) > 0) {
                throw bad(where, "must be from 0 to " + Long.toUnsignedString(max));
            }
            return value.longValue();
        }

        private static boolean isAbsent(JsonNode node) {
            return node.isMissingNode() || node.isNull();
        }

        private static IllegalArgumentException bad(String where, String what) {
            return new IllegalArgumentException(where + " " + what);
        }
    }

    private static String quoted(String text) {
        String plain = text.length() > 64 ? text.substring(0, 64) + "…" : text;
        return '"' + plain.replaceAll("\\p{Cntrl}", "?") + '"';
    }
}
