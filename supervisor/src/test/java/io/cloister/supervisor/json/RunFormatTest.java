// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RunFormatTest {
    private static final String ID = "0123456789abcdef".repeat(4);
    private static final Stream DEFAULT = Stream.collect(RunFormat.DEFAULT_MAX);

    // ---- what is understood -------------------------------------------------------------------

    @Test
    void shouldGiveARequestOfArgumentsAloneTheDefaults() throws BadRequestException {
        assertThat(program("{'args':['true']}"))
                .isEqualTo(Program.of("true").stream(1, DEFAULT).stream(2, DEFAULT).build());
    }

    @Test
    void shouldReadEveryField() throws BadRequestException {
        Program program =
                program(
                        """
                        {'args':['python3','a.py',''],'env':['PATH=/bin','E='],'workDirectory':'/tmp',
                         'stdin':{'content':'1 é\\u0000\\n'},'stdout':{'max':'1MiB','truncate':true},
                         'stderr':{'null':true},
                         'fds':{'3':{'max':'2KiB'},'4':{'base64':'AP8='},'5':{'stored':'%s'},
                                '6':{'file':'/srv/1.in'},'1023':{'null':true}},
                         'copyIn':{'a.py':{'content':'x'},'bin/b':{'base64':'AP8=','mode':'0755'},
                                   'c':{'stored':'%s'},'d':{'file':'/srv/d','mode':'600'},
                                   '/tmp/l':{'symlink':'../w/a.py'}},
                         'copyOut':['a','b?',{'path':'c?','max':'1KiB'},
                                    {'path':'d','optional':true,'max':'256MiB','store':true}],
                         'limits':{'wallTime':'3s','cpuTime':'1.5s','memory':'64MiB','processes':16,
                                   'output':'1MiB','fileSize':'2MiB','stack':'8MiB','openFiles':64,
                                   'addressSpace':'1GiB','dataSegment':'2GiB','diskSize':'16MiB',
                                   'diskFiles':4096,'cpuRate':'0.5','cpuSet':'0-1,3','allowLess':true},
                         'seccomp':'strict'}\
                        """
                                .formatted(ID, ID));

        Bytes raw = Bytes.wrap(new byte[] {0, -1});
        assertThat(program)
                .isEqualTo(
                        Program.of("python3", "a.py", "")
                                .environment(List.of("PATH=/bin", "E="))
                                .workDirectory("/tmp")
                                .stdin("1 é\0\n")
                                .stream(1, new Stream.Collect(ByteSize.ofMiB(1), true))
                                .stream(2, new Stream.Null())
                                .stream(3, Stream.collect(ByteSize.ofKiB(2)))
                                .stream(4, new Stream.Input(new Content.Inline(raw)))
                                .stream(5, new Stream.Input(new Content.Stored(ID)))
                                .stream(6, new Stream.Input(new Content.HostFile("/srv/1.in")))
                                .stream(1023, new Stream.Null())
                                .copyIn(CopyIn.File.of("a.py", Content.ofUtf8("x")))
                                .copyIn(new CopyIn.File("bin/b", new Content.Inline(raw), 0755))
                                .copyIn(CopyIn.File.of("c", new Content.Stored(ID)))
                                .copyIn(new CopyIn.File("d", new Content.HostFile("/srv/d"), 0600))
                                .copyIn(new CopyIn.Link("/tmp/l", "../w/a.py"))
                                .copyOut(CopyOut.required("a"))
                                .copyOut(CopyOut.optional("b"))
                                .copyOut(new CopyOut("c?", false, ByteSize.ofKiB(1), false))
                                .copyOut(new CopyOut("d", true, ByteSize.ofMiB(256), true))
                                .limits(
                                        Limits.builder()
                                                .wallTime(Duration.ofSeconds(3))
                                                .cpuTime(Duration.ofMillis(1500))
                                                .memory(ByteSize.ofMiB(64))
                                                .processes(16)
                                                .output(ByteSize.ofMiB(1))
                                                .fileSize(ByteSize.ofMiB(2))
                                                .stack(ByteSize.ofMiB(8))
                                                .openFiles(64)
                                                .addressSpace(ByteSize.ofGiB(1))
                                                .dataSegment(ByteSize.ofGiB(2))
                                                .diskSize(ByteSize.ofMiB(16))
                                                .diskFiles(4096)
                                                .cpuRate(500)
                                                .cpuSet("0-1,3")
                                                .allowLess(true)
                                                .build())
                                .seccomp(new Seccomp("strict"))
                                .build());
    }

    @Test
    void shouldBoundOutputsByTheOutputLimitWhereTheyHaveNoBoundOfTheirOwn()
            throws BadRequestException {
        Program program =
                program("{'args':['x'],'stdout':{'max':'1KiB'},'limits':{'output':'1MiB'}}");

        assertThat(program.streams())
                .containsEntry(1, Stream.collect(ByteSize.ofKiB(1)))
                .containsEntry(2, Stream.collect(ByteSize.ofMiB(1)));
    }

    @Test
    void shouldReadATerminalInPlaceOfTheStandardStreams() throws BadRequestException {
        Program program =
                program(
                        "{'args':['sh'],'terminal':{'rows':50,'columns':120,"
                                + "'input':{'base64':'bHMK'},'max':'1MiB','truncate':true}}");

        assertThat(program.streams()).isEmpty();
        assertThat(program.terminal())
                .contains(new Terminal(50, 120, Bytes.ofUtf8("ls\n"), ByteSize.ofMiB(1), true));
        assertThat(program("{'args':['sh'],'terminal':{}}").terminal())
                .contains(new Terminal(24, 80, Bytes.EMPTY, RunFormat.DEFAULT_MAX, false));
    }

    @Test
    void shouldJoinProgramsByPipesAndCollectTheirOtherStreams() throws BadRequestException {
        Run run =
                RunFormat.read(
                        json(
                                """
                                {'id':'g','programs':[{'args':['a']},{'args':['b']}],'idle':'250ms',
                                 'pipes':[{'from':{'program':0,'fd':1},'to':{'program':1,'fd':0}},
                                          {'from':{'program':1,'fd':5},'to':{'program':0,'fd':0},
                                           'relay':{'max':'1MiB','transcript':true}}]}
                                """));

        assertThat(run)
                .isEqualTo(
                        new Run(
                                "g",
                                List.of(
                                        Program.of("a").stream(2, DEFAULT).build(),
                                        Program.of("b").stream(1, DEFAULT).stream(2, DEFAULT)
                                                .build()),
                                List.of(
                                        PipeLink.direct(0, 1, 1, 0),
                                        new PipeLink(
                                                new PipeLink.End(1, 5),
                                                new PipeLink.End(0, 0),
                                                Optional.of(
                                                        new PipeLink.Relay(
                                                                ByteSize.ofMiB(1), true)))),
                                Optional.of(Duration.ofMillis(250))));
    }

    @Test
    void shouldReadTheLargestContentInBase64() throws BadRequestException {
        byte[] content = new byte[(int) Content.MAX_INLINE.bytes()];
        String document =
                "{\"id\":\"1\",\"programs\":[{\"args\":[\"x\"],\"stdin\":{\"base64\":\""
                        + Base64.getEncoder().encodeToString(content)
                        + "\"}}]}";

        Run run = RunFormat.read(document.getBytes(StandardCharsets.US_ASCII));

        assertThat(run.programs().getFirst().streams().get(0))
                .isEqualTo(new Stream.Input(Content.of(content)));
    }

    // ---- what is refused ----------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // not one document
                " | '' | an object is needed",
                "[] | '' | an object is needed, not an array",
                "7 | '' | not the number \"7\"",
                "null | '' | not null",
                "{ | column 2 | this is not JSON",
                "{'id':'1'} x | * | this is not JSON",
                "{'id':'1','id':'1'} | * | this is not JSON",
                "{'id':NaN} | * | this is not JSON",
                "// | * | this is not JSON",
                // the run
                "{} | '' | the field 'id' is missing",
                "{'id':7} | id | a string is needed, not the number \"7\"",
                "{'id':''} | '' | the field 'programs' is missing",
                "{'id':'','programs':[{'args':['x']}]} | '' | run id is empty",
                "{'id':'1','programs':[]} | '' | no programs",
                "{'id':'1','programs':{}} | programs | an array is needed, not an object",
                "{'id':'1','programs':[7]} | programs[0] | an object is needed",
                "{'id':'1','programs':[{'args':['x']}],'x':1} | '' | there is no field \"x\"",
                "{'id':'1','programs':[{'args':['x']}],'idle':1} | idle | a string is needed",
                "{'id':'1','programs':[{'args':['x']}],'idle':'1ms'} | '' | idle time",
                "{'id':'1','programs':[{'args':['x']}],'pipes':[{}]} | pipes[0] | 'from' is missing",
                "{'id':'1','programs':[{'args':['x']}],'pipes':[{'from':{'program':0,'fd':1},"
                        + "'to':{'program':1,'fd':0}}]} | '' | names program 1, there are 1",
                "{'id':'1','programs':[{'args':['x']}],'pipes':[{'from':{'program':0,'fd':1},"
                        + "'to':{'program':16,'fd':0}}]} | pipes[0].to | index of a program",
            })
    void shouldRefuseARunAndSayWhere(String document, String place, String reason) {
        assertRefused(document == null ? "" : document, place, reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'x':1 | '' | there is no field \"x\"; possible are args, env",
                "'args':[] | '' | no arguments",
                "'args':'x' | args | an array is needed, not a string",
                "'args':[1] | args[0] | a string is needed",
                "'args':['a\\u0000b'] | '' | NUL",
                "'args':['\\ud800'] | '' | surrogate",
                "'env':['A'] | '' | no name",
                "'workDirectory':'w' | '' | relative",
                "'stdin':{} | stdin | one of these fields is needed: content, base64",
                "'stdin':null | stdin | an object is needed, not null",
                "'stdin':'1 2' | stdin | an object is needed, not a string",
                "'stdin':{'content':'a','base64':''} | stdin | exclude each other",
                "'stdin':{'content':'a','null':true} | stdin | exclude each other",
                "'stdin':{'null':false} | stdin | can only be true",
                "'stdin':{'null':1} | stdin.null | true or false is needed",
                "'stdin':{'max':'1B'} | stdin | there is no field \"max\"",
                "'stdin':{'content':'\\ud83d'} | stdin.content | half a surrogate pair",
                "'stdin':{'base64':'A'} | stdin.base64 | no base64",
                "'stdin':{'base64':'AA=='} | '' | ok",
                "'stdin':{'stored':'abc'} | stdin.stored | SHA-256",
                "'stdin':{'file':'x'} | stdin.file | relative",
                "'stdin':{'file':'/a/../b'} | stdin.file | ..",
                "'stdout':{'max':1} | stdout.max | a string is needed",
                "'stdout':{'max':'1MB'} | stdout.max | not understood",
                "'stdout':{'max':'257MiB'} | stdout | bytes to collect",
                "'stdout':{'truncate':'yes'} | stdout.truncate | true or false",
                "'stderr':{'null':true,'max':'1B'} | stderr | exclude each other",
                "'stderr':{'content':''} | stderr | there is no field \"content\"",
                "'fds':{'2':{'max':'1B'}} | fds[\"2\"] | from 3 on",
                "'fds':{'03':{'max':'1B'}} | fds[\"03\"] | from 3 on",
                "'fds':{'x':{'max':'1B'}} | fds[\"x\"] | from 3 on",
                "'fds':{'1024':{'max':'1B'}} | '' | descriptor number",
                "'terminal':{},'stdout':{} | '' | a terminal and stream 1",
                "'terminal':{'rows':0} | terminal | terminal rows",
                "'terminal':{'rows':1.5} | terminal.rows | a whole number",
                "'terminal':{'rows':1e3} | terminal.rows | a whole number",
                "'terminal':{'rows':99999999999} | terminal.rows | a whole number",
                "'terminal':{'input':{}} | terminal.input | one of these fields",
                "'copyIn':{'../x':{'content':''}} | copyIn[\"../x\"] | ..",
                "'copyIn':{'x':{}} | copyIn[\"x\"] | one of these fields",
                "'copyIn':{'x':{'content':'','mode':'9'}} | copyIn[\"x\"].mode | octal",
                "'copyIn':{'x':{'content':'','mode':'10000'}} | copyIn[\"x\"] | mode is 010000",
                "'copyIn':{'x':{'symlink':'y','mode':'0755'}} | copyIn[\"x\"] | exclude each other",
                "'copyIn':{'x':{'symlink':''}} | copyIn[\"x\"] | target of the link",
                "'copyOut':['?'] | copyOut[0] | path is empty",
                "'copyOut':['/'] | copyOut[0] | root directory",
                "'copyOut':['a','a?'] | '' | copied out twice",
                "'copyOut':[{'path':'a','max':'17MiB'}] | copyOut[0] | largest file",
                "'limits':{'cpu':'1s'} | limits | there is no field \"cpu\"; possible are wallTime",
                "'limits':{'cpuTime':'1'} | limits.cpuTime | not understood",
                "'limits':{'cpuTime':'0s'} | limits | CPU time limit",
                "'limits':{'wallTime':'25h'} | limits | wall time limit",
                "'limits':{'memory':'1KiB'} | limits | memory limit",
                "'limits':{'processes':0} | limits | process limit",
                "'limits':{'processes':'16'} | limits.processes | a whole number",
                "'limits':{'cpuRate':'0.0005'} | limits.cpuRate | three decimals",
                "'limits':{'cpuRate':'0'} | limits | CPU rate",
                "'limits':{'cpuSet':'a'} | limits | no list of cores",
                "'seccomp':'../x' | seccomp | name of a seccomp profile",
            })
    void shouldRefuseAProgramAndSayWhere(String fields, String place, String reason) {
        String arguments = fields.contains("'args'") ? "" : "'args':['x'],";
        String document = "{'id':'1','programs':[{" + arguments + fields + "}]}";
        if (reason.equals("ok")) {
            assertThat(
                            catchThrowableOfType(
                                    BadRequestException.class,
                                    () -> RunFormat.read(json(document))))
                    .isNull();
            return;
        }
        BadRequestException wrong =
                assertRefused(document, ("programs[0]." + place).replaceAll("\\.$", ""), reason);
        assertThat(wrong.id()).contains("1");
    }

    static List<byte[]> notUtf8() {
        return List.of(
                new byte[] {'{', (byte) 0xFF, '}'},
                new byte[] {'"', (byte) 0xC0, (byte) 0x80, '"'},
                new byte[] {'"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"'});
    }

    @ParameterizedTest
    @MethodSource("notUtf8")
    void shouldRefuseBytesThatAreNotUtf8(byte[] document) {
        BadRequestException wrong =
                catchThrowableOfType(BadRequestException.class, () -> RunFormat.read(document));

        assertThat(wrong.reason()).isEqualTo("this is not UTF-8");
    }

    @Test
    void shouldNotTakeBytesForUtf16() {
        byte[] document = json("{'id':'1','programs':[{'args':['x']}]}");
        byte[] wide =
                new String(document, StandardCharsets.US_ASCII).getBytes(StandardCharsets.UTF_16LE);

        assertThat(catchThrowableOfType(BadRequestException.class, () -> RunFormat.read(wide)))
                .isNotNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"[", "{\"id\":"})
    void shouldRefuseDocumentsThatNestTooDeep(String opening) {
        byte[] document = opening.repeat(1_000_000).getBytes(StandardCharsets.US_ASCII);

        BadRequestException wrong =
                catchThrowableOfType(BadRequestException.class, () -> RunFormat.read(document));

        assertThat(wrong.reason()).contains("not JSON").contains("nesting depth");
    }

    @Test
    void shouldRefuseNumbersWithoutEndAndContentThatIsTooLong() {
        assertRefused("{'id':" + "1".repeat(100_000) + "}", "*", "not JSON");
        String text = "x".repeat((int) Content.MAX_INLINE.bytes() + 1);
        assertRefused(
                "{'id':'1','programs':[{'args':['x'],'stdin':{'content':'" + text + "'}}]}",
                "programs[0].stdin",
                "file store");
    }

    @Test
    void shouldKeepItsErrorsShort() {
        String flood = "x".repeat(8000);
        for (String document :
                List.of(
                        "{'" + flood + "':1,'id':'1','programs':[{'args':['x']}]}",
                        "{'id':'1','programs':[{'args':['x'],'copyIn':{'" + flood + "':7}}]}",
                        "{'id':'1','programs':[{'args':['x'],'seccomp':'" + flood + "'}]}",
                        flood)) {
            BadRequestException wrong =
                    catchThrowableOfType(
                            BadRequestException.class, () -> RunFormat.read(json(document)));
            assertThat(wrong.reason().length() + wrong.place().length()).isLessThan(1000);
        }
    }

    @Test
    void shouldTellTheIdOfABadRequestOnlyIfItCanBeOne() {
        assertThat(assertRefused("{'id':'a'}", "", "programs").id()).contains("a");
        assertThat(assertRefused("{'id':''}", "", "programs").id()).isEmpty();
        assertThat(assertRefused("{'id':'" + "x".repeat(129) + "'}", "", "programs").id())
                .isEmpty();
    }

    // ---- results ------------------------------------------------------------------------------

    @Test
    void shouldWriteWhatARunCameTo() throws IOException {
        JsonNode written = Documents.written(Outcomes.everything());
        JsonNode exited = written.get("results").get(0);
        JsonNode signalled = written.get("results").get(1);
        JsonNode notRun = written.get("results").get(2);

        assertThat(written.get("id").textValue()).isEqualTo("1");
        assertThat(exited.toString())
                .startsWith(
                        "{\"status\":\"NONZERO_EXIT\",\"exitCode\":3,\"cpuTimeNanos\":1600000000,"
                                + "\"userTimeNanos\":1500000000,\"systemTimeNanos\":1,"
                                + "\"wallTimeNanos\":1700000000,\"setUpTimeNanos\":400000,"
                                + "\"memoryBytes\":2097152,\"memorySource\":\"cgroup-v1 max_usage\","
                                + "\"maxResidentBytes\":1331200,\"peakProcesses\":3,");
        assertThat(exited.get("stdout").textValue()).isEqualTo("a\u0000\n\"\\é😀");
        assertThat(exited.get("stderr").toString()).isEqualTo("{\"base64\":\"/wA=\"}");
        assertThat(exited.get("outputs").fieldNames()).toIterable().containsExactly("9", "10");
        assertThat(exited.get("truncated").toString()).isEqualTo("[\"stderr\",\"9\"]");
        assertThat(exited.get("files").get("big").toString())
                .isEqualTo("{\"stored\":\"" + ID + "\"}");
        assertThat(exited.get("enforced").get("cpu-time").toString())
                .isEqualTo("[\"init by cgroup-v1\",\"rlimit\"]");
        assertThat(signalled.get("signal").textValue()).isEqualTo("SIGSYS");
        assertThat(signalled.get("limit").textValue()).isEqualTo("processes");
        assertThat(signalled.get("disallowedSyscall").textValue()).isEqualTo("ptrace");
        assertThat(signalled.get("failure").toString())
                .isEqualTo(
                        "{\"kind\":\"NOT_FOUND\",\"step\":\"copy out\",\"subject\":\"/w/out\","
                                + "\"errno\":\"ENOENT\",\"message\":\"gone\"}");
        assertThat(notRun.toString())
                .isEqualTo(
                        "{\"status\":\"INTERNAL_ERROR\",\"failure\":{\"kind\":\"UNAVAILABLE\","
                                + "\"message\":\"none is free\"}}");
        assertThat(written.get("transcripts").get("1").toString())
                .isEqualTo("{\"base64\":\"/wA=\"}");
    }

    @Test
    void shouldWriteNoTranscriptsWhereNoneWereAskedFor() throws IOException {
        RunResult result = new RunResult("1", List.of(Outcomes.exited(0, Map.of())), Map.of());

        assertThat(Documents.written(result).has("transcripts")).isFalse();
    }

    private static Program program(String document) throws BadRequestException {
        return RunFormat.read(json("{'id':'1','programs':[" + document + "]}"))
                .programs()
                .getFirst();
    }

    private static BadRequestException assertRefused(String document, String place, String reason) {
        BadRequestException wrong =
                catchThrowableOfType(
                        BadRequestException.class, () -> RunFormat.read(json(document)));
        assertThat(wrong).as(document.substring(0, Math.min(200, document.length()))).isNotNull();
        assertThat(wrong.reason()).contains(reason);
        if (!place.equals("*")) {
            assertThat(wrong.place()).isEqualTo(place);
        }
        return wrong;
    }

    private static byte[] json(String text) {
        return text.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    }
}
