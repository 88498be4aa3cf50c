// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JavaMainTest {
    private static final String MAIN = "public static void main(String[] a) {}";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "public class A { MAIN } | A",
                "package b.c; class A { MAIN } | b.c.A",
                "class A { } class B { MAIN } | B",
                "class A { class B { } MAIN } | A",
                "class A { void f() { } MAIN } class B { } | A",
                "record A(int i) { MAIN } | A",
                "enum A { X, Y; MAIN } | A",
                "interface A { static void main(String[] a) {} } | A",
                "// class X { MAIN } | A",
                "/* class X { MAIN */ class A { MAIN } | A",
                "class X { String s = \"class Y { MAIN\"; } class A { MAIN } | A",
                "class A { char c = '}'; String s = \"\\\"}\"; MAIN } | A",
                "import x.y; class A { Class<?> c = B.class; MAIN } | A",
                "class A { String s = \"\"\"NEWLINE} \"\"\"; MAIN } | A",
            })
    void shouldFindTheClassWithTheMainMethod(String source, String name) {
        String java = source.replace("MAIN", MAIN).replace("NEWLINE", "\n");
        assertThat(JavaMain.in(java + "\nclass A { " + MAIN + " }")).contains(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "class A { }",
                "class A { void mainly() { } }",
                "void main() { }",
                "class A { // void main()\n}",
                "class",
                "}}}} void main",
                "/*",
                "\"",
                "'\\",
                "\"\"\"",
            })
    void shouldFindNothingElse(String source) {
        assertThat(JavaMain.in(source)).isEqualTo(Optional.empty());
    }

    @Test
    void shouldReadLongSourcesOnce() {
        String comment = "/*" + "*x".repeat(200_000) + "*/";
        String nested = "class A {".repeat(50_000);
        assertThat(JavaMain.in(comment + "class A { " + MAIN)).contains("A");
        assertThat(JavaMain.in(nested)).isEmpty();
    }
}
