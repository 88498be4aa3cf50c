// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.seccomp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.nativeio.seccomp.Action;
import io.cloister.nativeio.seccomp.ArgumentCondition;
import io.cloister.nativeio.seccomp.ArgumentCondition.Width;
import io.cloister.nativeio.seccomp.SeccompCompiler;
import io.cloister.nativeio.seccomp.SeccompFilter;
import io.cloister.nativeio.seccomp.SeccompPolicy;
import io.cloister.nativeio.seccomp.SeccompRule;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class OciSeccompTest {
    private static final OciSeccomp.Host HOST =
            new OciSeccomp.Host(Architecture.current(), List.of(6, 1));
    private static final int COMPILE_SECONDS = 60;

    @TempDir private Path directory;

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = OciSeccompTest.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("no test resource " + name);
            }
            return in.readAllBytes();
        }
    }

    private static OciSeccomp engine() throws IOException {
        return OciSeccomp.parse("engine", resource("container-engine.json"), HOST);
    }

    private static SeccompPolicy parse(String json) {
        return OciSeccomp.parse("test", json.getBytes(StandardCharsets.UTF_8), HOST).policy();
    }

    private static String syscalls(String... entries) {
        return "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
                + String.join(",", entries)
                + "]}";
    }

    /** What the policy says of a call, as its documentation reads. */
    private static Action decide(SeccompPolicy policy, String call, long... arguments) {
        for (SeccompRule rule : policy.rules()) {
            if (rule.calls().contains(call)
                    && rule.conditions().stream().allMatch(one -> holds(one, arguments))) {
                return rule.action();
            }
        }
        return policy.defaultAction();
    }

    private static boolean holds(ArgumentCondition condition, long... arguments) {
        int index = condition.argument();
        long whole = index < arguments.length ? arguments[index] : 0;
        long value = condition.width() == Width.INT ? whole & 0xffff_ffffL : whole;
        int order = Long.compareUnsigned(value, condition.value());
        return switch (condition.comparison()) {
            case EQUAL -> (value & condition.mask()) == condition.value();
            case NOT_EQUAL -> (value & condition.mask()) != condition.value();
            case LESS -> order < 0;
            case LESS_OR_EQUAL -> order <= 0;
            case GREATER -> order > 0;
            case GREATER_OR_EQUAL -> order >= 0;
        };
    }

    // ---- decisions --------------------------------------------------------------------------

    @Test
    void shouldReadAnEnginesProfile() throws IOException {
        OciSeccomp read = engine();
        SeccompPolicy policy = read.policy();

        assertThat(policy.id()).isEqualTo("engine/1");
        assertThat(policy.defaultAction()).isEqualTo(Action.errno("EPERM"));
        assertThat(policy.foreignAction()).isEqualTo(Action.errno("ENOSYS"));
        assertThat(read.skipped()).contains("no_such_call_yet", "futex_time64");
        assertThat(decide(policy, "read")).isEqualTo(Action.allow());
        assertThat(decide(policy, "mount")).as("wants a capability").isEqualTo(Action.errno(1));
        assertThat(decide(policy, "unshare")).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "clone", 17)).isEqualTo(Action.allow());
        assertThat(decide(policy, "clone", 0x10000000)).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "clone3")).isEqualTo(Action.errno(38));
        assertThat(decide(policy, "landlock_create_ruleset")).isEqualTo(Action.allow());
        assertThat(decide(policy, "ptrace")).as("a younger kernel's").isEqualTo(Action.errno(1));
        assertThat(decide(policy, "setpriority")).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "sync_file_range")).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "keyctl")).isEqualTo(Action.killProcess());
        assertThat(decide(policy, "syslog")).isEqualTo(Action.trap());
        assertThat(decide(policy, "vmsplice", 0, 0, 8)).isEqualTo(Action.log());
        assertThat(decide(policy, "vmsplice", 0, 0, 7)).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "splice", 0, 0, 0, 0, 1 << 20)).isEqualTo(Action.allow());
        assertThat(decide(policy, "splice", 0, 1, 0, 0, 1 << 20)).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "sendfile", 0, 0, 0, -1)).isEqualTo(Action.errno(22));
        assertThat(decide(policy, "sendfile", 0, 0, 0, 1)).isEqualTo(Action.errno(1));
    }

    @Test
    void shouldLetAnyOfTheConditionsOnOneArgumentDo() throws IOException {
        SeccompPolicy policy = engine().policy();

        assertThat(decide(policy, "tee", 0, 0, 9)).isEqualTo(Action.allow());
        assertThat(decide(policy, "tee", 0, 0, 50)).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "tee", 0, 0, 101)).isEqualTo(Action.allow());
    }

    @Test
    void shouldNotBePassedByBitsThatTheKernelIgnores() {
        SeccompPolicy policy =
                parse(
                        syscalls(
                                "{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":"
                                        + "[{\"index\":0,\"value\":40,\"op\":\"SCMP_CMP_NE\"}]}"));

        assertThat(decide(policy, "socket", 1)).isEqualTo(Action.allow());
        assertThat(decide(policy, "socket", 40)).isEqualTo(Action.errno(1));
        assertThat(decide(policy, "socket", 40 | 1L << 32)).isEqualTo(Action.errno(1));
    }

    @Test
    void shouldPretendNotToKnowCallsYoungerThanTheProfile() {
        SeccompPolicy policy =
                parse(syscalls("{\"names\":[\"statx\"],\"action\":\"SCMP_ACT_ALLOW\"}"));

        assertThat(decide(policy, "openat2")).isEqualTo(Action.errno(38));
        assertThat(decide(policy, "read")).isEqualTo(Action.errno(1));
        assertThat(policy.unknownAction()).isEqualTo(Action.errno(38));
    }

    @Test
    void shouldTakeTheSeccompPartOfAWholeConfiguration() {
        SeccompPolicy policy =
                parse(
                        "{\"ociVersion\":\"1.1.0\",\"linux\":{\"seccomp\":"
                                + "{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":"
                                + "[{\"name\":\"read\",\"action\":\"SCMP_ACT_ALLOW\"}]}}}");

        assertThat(decide(policy, "read")).isEqualTo(Action.allow());
        assertThat(decide(policy, "write")).isEqualTo(Action.killProcess());
        assertThat(policy.foreignAction()).isEqualTo(Action.killProcess());
    }

    @Test
    void shouldPreferTheRuleWithoutConditions() {
        SeccompPolicy policy =
                parse(
                        syscalls(
                                "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":"
                                        + "[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}",
                                "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}"));

        assertThat(decide(policy, "read", 1)).isEqualTo(Action.allow());
    }

    // ---- what cannot be had -----------------------------------------------------------------

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "| not JSON",
                "[] | is not an object",
                "{ | not JSON",
                "{} {} | not JSON",
                "{} | action is missing",
                "{\"defaultAction\":7} | is not a text",
                "{\"defaultAction\":\"SCMP_ACT_MAYBE\"} | there is no action \"SCMP_ACT_MAYBE\"",
                "{\"defaultAction\":\"SCMP_ACT_TRACE\"} | use another action",
                "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"} | use another action",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096} | from 0 to 4095",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"sycalls\":[]} | unknown field \"sycalls\"",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":{}} | is not a list",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"listenerPath\":\"/x\"} | listener",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"flags\":[\"X\"]} | there is no flag",
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultAction\":\"x\"} | Duplicate"
            })
    void shouldRefuse(String json, String why) {
        assertThatThrownBy(() -> parse(json == null ? "" : json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why.equals("not JSON") ? "" : why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"action\":\"SCMP_ACT_ALLOW\"} | syscalls[0] names no system call",
                "{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"} | names no system call",
                "{\"names\":[\"read\"]} | syscalls[0]: action is missing",
                "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"arg\":[]} | unknown field",
                "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"x\":1}}"
                        + " | syscalls[0].includes has an unknown field",
                "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\","
                        + "\"includes\":{\"minKernel\":\"new\"}} | no version"
            })
    void shouldSayWhichEntryIsWrong(String entry, String why) {
        assertThatThrownBy(() -> parse(syscalls(entry))).hasMessageContaining(why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"} | index must be from 0 to 5",
                "{\"index\":-1,\"value\":0,\"op\":\"SCMP_CMP_EQ\"} | from 0",
                "{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"} | value must be",
                "{\"index\":0,\"value\":1.5,\"op\":\"SCMP_CMP_EQ\"} | not a whole number",
                "{\"index\":0,\"value\":18446744073709551616,\"op\":\"SCMP_CMP_EQ\"} | value must",
                "{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_XX\"} | no operator",
                "{\"index\":0,\"value\":0} | op is missing",
                "{\"index\":0,\"value\":1,\"valueTwo\":2,\"op\":\"SCMP_CMP_MASKED_EQ\"} | mask"
            })
    void shouldSayWhichConditionIsWrong(String argument, String why) {
        String entry =
                "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[" + argument + "]}";
        assertThatThrownBy(() -> parse(syscalls(entry)))
                .hasMessageContaining("syscalls[0].args[0]")
                .hasMessageContaining(why);
    }

    @Test
    void shouldRefuseARuleThatContradictsAnother() {
        assertThatThrownBy(() ->
                        parse(
                                syscalls(
                                        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}",
                                        "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\"}")))
                .hasMessageContaining("read is decided twice");
    }

    @Test
    void shouldBoundSizeAndDepth() {
        assertThatThrownBy(() -> parse(" ".repeat(OciSeccomp.MAX_BYTES + 1)))
                .hasMessageContaining("larger than");
        assertThatThrownBy(() -> parse("[".repeat(5000))).hasMessageContaining("not JSON");
        assertThatThrownBy(() -> parse("{\"defaultAction\":" + "1".repeat(5000) + "}"))
                .hasMessageContaining("not JSON");
    }

    // ---- files and names --------------------------------------------------------------------

    @Test
    void shouldSayWhichFileIsWrong() throws IOException {
        Path file = Files.writeString(directory.resolve("My profile.json"), "{}");

        assertThatThrownBy(() -> OciSeccomp.read(file))
                .isInstanceOf(InvalidProfile.class)
                .hasMessageContaining("My profile.json")
                .hasMessageContaining("action is missing");
    }

    @Test
    void shouldNameAPolicyAfterItsFile() throws IOException {
        Path file = directory.resolve("My_profile.v2.json");
        Files.write(file, resource("container-engine.json"));

        assertThat(OciSeccomp.read(file).id()).isEqualTo("my-profile-v2/1");
    }

    @Test
    void shouldServeConfiguredProfilesBesideItsOwn() throws IOException {
        Profiles profiles = new Profiles(Map.of("engine", engine().policy()));

        Optional<SeccompFilter> own = profiles.apply("engine");
        assertThat(own).isPresent();
        assertThat(own.get().listener()).isEqualTo(SeccompFilter.Listener.ENDS_RUN);
        assertThat(profiles.apply("engine:log").orElseThrow().listener())
                .isEqualTo(SeccompFilter.Listener.LEARNS);
        assertThat(profiles.apply("default/2")).isPresent();
        assertThat(profiles.apply("default/2:log")).isPresent();
        assertThat(profiles.apply("none").orElseThrow().isEmpty()).isTrue();
        assertThat(profiles.apply("none:log").orElseThrow().isEmpty()).isTrue();
        assertThat(profiles.apply("other")).isEmpty();
        assertThat(profiles.apply(":log")).isEmpty();
    }

    // ---- libseccomp -------------------------------------------------------------------------

    @Test
    void shouldDecideAsLibseccompDoes() throws Exception {
        Path compare = directory.resolve("compare");
        Path source = directory.resolve("oci_compare.c");
        Files.write(source, resource("oci_compare.c"));
        boolean installed = Files.exists(Path.of("/usr/include/seccomp.h"));
        if (!installed) {
            System.out.println("skipped: no comparison with libseccomp without libseccomp-dev");
        }
        assumeTrue(installed, "libseccomp-dev is not installed");
        assertThat(
                        run(
                                directory,
                                List.of(
                                        "cc",
                                        "-O1",
                                        "-o",
                                        compare.toString(),
                                        source.toString(),
                                        "-lseccomp"),
                                ""))
                .isEmpty();
        Path filter = directory.resolve("filter");
        Files.write(filter, SeccompCompiler.compile(engine().policy()).bytes());

        String rules = rules(new ObjectMapper().readTree(resource("container-engine.json")));

        assertThat(run(directory, List.of(compare.toString(), filter.toString()), rules))
                .isEqualTo("same\n");
    }

    /** The rules that apply here, found in another way than by the reader under test. */
    private static String rules(JsonNode profile) {
        StringBuilder text = new StringBuilder(number("SCMP_ACT_ERRNO", 1)).append('\n');
        for (JsonNode entry : profile.get("syscalls")) {
            JsonNode includes = entry.path("includes");
            boolean left =
                    includes.has("caps")
                            || includes.path("minKernel").asText().equals("99.1")
                            || entry.path("excludes").has("minKernel")
                            || (includes.has("arches")
                                    && !(includes.get("arches").toString().contains("amd64")
                                            && Architecture.current() == Architecture.X86_64));
            String action = number(entry.get("action").asText(), entry.path("errnoRet").asInt(1));
            if (left || action.equals(number("SCMP_ACT_ERRNO", 1))) {
                continue;
            }
            for (JsonNode name : entry.get("names")) {
                List<String> conditions = new ArrayList<>();
                TreeSet<Integer> indices = new TreeSet<>();
                for (JsonNode arg : entry.path("args")) {
                    indices.add(arg.get("index").asInt());
                    conditions.add(
                            "%d %s %s %s"
                                    .formatted(
                                            arg.get("index").asInt(),
                                            arg.get("op").asText().substring("SCMP_CMP_".length()),
                                            arg.get("value").bigIntegerValue(),
                                            arg.path("valueTwo").asText("0")));
                }
                boolean any = indices.size() < conditions.size();
                for (List<String> all :
                        any ? conditions.stream().map(List::of).toList() : List.of(conditions)) {
                    text.append("%s %s %d ".formatted(action, name.asText(), all.size()))
                            .append(String.join(" ", all))
                            .append('\n');
                }
            }
        }
        return text.toString();
    }

    /** As linux/seccomp.h and libseccomp's SCMP_ACT_… number them. */
    private static String number(String action, int errno) {
        Action ours =
                switch (action) {
                    case "SCMP_ACT_ALLOW" -> Action.allow();
                    case "SCMP_ACT_ERRNO" -> Action.errno(errno);
                    case "SCMP_ACT_LOG" -> Action.log();
                    case "SCMP_ACT_TRAP" -> Action.trap();
                    default -> Action.killProcess();
                };
        return "0x" + Integer.toHexString(ours.returnValue());
    }

    private static String run(Path directory, List<String> command, String input)
            throws IOException, InterruptedException {
        Path in = Files.writeString(Files.createTempFile(directory, "in", ""), input);
        Path out = Files.createTempFile(directory, "out", "");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectInput(in.toFile())
                        .redirectOutput(out.toFile())
                        .start();
        assertThat(process.waitFor(COMPILE_SECONDS, TimeUnit.SECONDS)).isTrue();
        return Files.readString(out);
    }

    @Test
    void shouldCoverCallsOfThisMachineOnly() throws IOException {
        SyscallTable table = SyscallTable.of(Architecture.current());
        assertThat(engine().skipped()).allMatch(call -> table.number(call).isEmpty());
    }
}
